-- The life with lua-soap, which knows no WSDL: elements are tables as LuaExpat has them. Arguments: address, tag.
local client = require("soap.client")
local base, tag = arg[1], arg[2]

local function element(name, value)
    return type(value) == "table" and { tag = name, attr = value.attr, value[1] } or { tag = name, tostring(value) }
end

-- The name without the prefix, which is the answer's own.
local function of(name) return (name:gsub("^.*:", "")) end

local function tree(node)
    local made, leaf = {}, true
    for _, each in ipairs(node) do
        if type(each) == "table" then
            leaf = false
            made[of(each.tag)] = made[of(each.tag)] or {}
            table.insert(made[of(each.tag)], tree(each))
        end
    end
    return leaf and { text = node[1] or "", attr = node.attr } or made
end

-- `fields` is a list of { name, value }.
local function call(user, operation, fields, password)
    local service, name = operation:match("(%a+)%.(%a+)")
    local entries = {}
    for _, each in ipairs(fields) do table.insert(entries, element(each[1], each[2])) end
    local login = { element("username", user), element("password", password or user .. "-secret") }
    login.tag, login.attr = "userCredentials", { xmlns = "http://4psa.com/HeaderData.xsd/2.5.1" }
    local _, method, answer = client.call({
        url = base .. "/soap2/" .. service:lower() .. "_agent.php", soapaction = "",
        namespace = "http://4psa.com/" .. service .. "Messages.xsd/2.5.1",
        method = name .. "Request", entries = entries, header = login,
    })
    if of(method) == "Fault" then error(tree(answer).faultstring[1].text, 0) end
    return tree(answer)
end

local function step(name, made)
    local ok, said = pcall(made)
    print(name .. (ok and "=" or "!") .. tostring(said):gsub("%s+", " "))
end

local function logins(answer)
    local found = {}
    for _, each in ipairs(answer.client) do table.insert(found, each.login[1].text) end
    return table.concat(found, ",")
end

local function fault(made)
    local ok, said = pcall(made)
    return ok and "no fault" or said
end

local line, first, second
local function profile(login)
    return { { "name", "Cleo Client" }, { "company", "Cleo Ltd" }, { "login", login }, { "password", "Pass-2025" },
             { "country", "us" } }
end
local function limit(text, flag) return { text, attr = { "unlimited", unlimited = flag } } end

step("lists", function() return logins(call("admin", "Client.GetClients", { { "parentID", 10 } })) end)
step("empty", function() return logins(call("acme", "Client.GetClients", {})) end)
step("adds", function()
    local answer = call("northwind", "Extension.AddExtension", {
        { "name", "Zoë Łukasz" }, { "company", "Söhne & Co <1>" }, { "login", tag }, { "password", "Pass-2025" },
        { "country", "us" }, { "parentID", 20 } })
    line = answer.ID[1].text
    return answer.result[1].text
end)
step("edits", function()
    call("northwind", "Extension.EditExtension", { { "name", "Žofie Ångström" }, { "ID", line } })
    local told = call("northwind", "Extension.GetExtensionDetails", { { "ID", line } })
    return told.name[1].text .. "|" .. told.company[1].text
end)
step("number", function()
    local poll = call("northwind", "Channel.GetPublicNoPoll", { { "userID", 20 } })
    local free = poll.publicNo[1].available[1].ID[1].text
    call("northwind", "Channel.AssignPublicNo", { { "didID", free }, { "userID", line } })
    poll = call("northwind", "Channel.GetPublicNoPoll", { { "userID", line } })
    local gone = call("northwind", "Extension.DelExtension", { { "ID", line } })
    return poll.publicNo[1].assigned[1].externalNo[1].text .. " " .. gone.items[1].text
end)
step("limits", function()
    first = call("acme", "Client.AddClient", profile(tag .. "-first")).ID[1].text
    second = call("acme", "Client.AddClient", profile(tag .. "-second")).ID[1].text
    call("acme", "Client.SetClientPL", {
        { "phoneExtMax", limit("0", "true") }, { "queueExtMax", limit("3", "false") }, { "ID", first } })
    local found = call("acme", "Client.GetClientPL", { { "ID", first } }).userPL[1]
    return found.phoneExtMax[1].attr.unlimited .. " " .. found.queueExtMax[1].text
end)
step("deletes", function()
    return call("acme", "Client.DelClient", { { "ID", first }, { "ID", second } }).items[1].text
end)
step("fault", function() return fault(function() call("acme", "Client.AddClient", profile("northwind")) end) end)
step("password", function() return fault(function() call("acme", "Client.GetClients", {}, "not-it") end) end)
