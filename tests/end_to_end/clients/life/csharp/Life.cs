// The life on proxies that wsdl.exe generated, which make every choice of the schema an array of items beside an
// array of names. Arguments: address, tag. A fact a line.
using System;
using System.Collections;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Web.Services.Protocols;

static class Life {
    static string address, tag, line, first, second;

    // Sets a property, or adds to the items of a choice.
    static T Set<T>(T message, string name, params object[] values) {
        var own = message.GetType().GetProperty(name);
        if (own != null) {
            own.SetValue(message, values[0]);
            return message;
        }
        var items = message.GetType().GetProperties().First(each => Chosen(each, name));
        var names = message.GetType().GetProperty(items.Name + "ElementName") ?? message.GetType().GetProperty(items.Name.Replace("Item", "ItemElementName"));
        if (!items.PropertyType.IsArray) {
            items.SetValue(message, values[0]);
            if (names != null) names.SetValue(message, Enum.Parse(names.PropertyType, name));
            return message;
        }
        Append(message, items, values);
        if (names != null) Append(message, names, values.Select(_ => Enum.Parse(names.PropertyType.GetElementType(), name)).ToArray());
        return message;
    }

    static bool Chosen(PropertyInfo property, string name) {
        return property.GetCustomAttributes(typeof(System.Xml.Serialization.XmlElementAttribute), true)
            .Cast<System.Xml.Serialization.XmlElementAttribute>().Any(each => each.ElementName == name)
            && !property.Name.Contains("ElementName");
    }

    static void Append(object message, PropertyInfo property, object[] values) {
        var now = (IList)property.GetValue(message) ?? new object[0];
        var made = Array.CreateInstance(property.PropertyType.GetElementType(), now.Count + values.Length);
        now.CopyTo(made, 0);
        values.CopyTo(made, now.Count);
        property.SetValue(message, made);
    }

    static T As<T>(T proxy, string user, string password = null) where T : SoapHttpClientProtocol {
        var login = new userCredentials();
        Set(login, "username", user);
        Set(login, "password", password ?? user + "-secret");
        proxy.GetType().GetProperty("userCredentialsValue").SetValue(proxy, login);
        proxy.Url = address + "/soap2/" + typeof(T).Name.ToLower() + "_agent.php";
        return proxy;
    }

    static void Step(string name, Func<object> made) {
        try {
            Console.WriteLine(name + "=" + (made() + "").Replace("\n", " "));
        } catch (Exception problem) {
            Console.WriteLine(name + "!" + problem.ToString().Replace("\n", " "));
        }
    }

    static string Fault(Action made) {
        try {
            made();
            return "no fault";
        } catch (SoapException fault) {
            return fault.Message;
        }
    }

    static string Logins(string user, GetClientsRequest asked) {
        return string.Join(",", As(new Client(), user).GetClients(asked).client.Select(each => each.login));
    }

    static AddClientRequest Profile(string login) {
        return new AddClientRequest { name = "Cleo Client", company = "Cleo Ltd", login = login, password = "Pass-2025", country = "us" };
    }

    static object Chosen(object answer, string name) {
        return answer.GetType().GetProperty(name).GetValue(answer);
    }

    static void Main(string[] arguments) {
        Console.OutputEncoding = new UTF8Encoding(false);
        address = arguments[0];
        tag = arguments[1];
        Step("loads", () => "yes");
        Step("lists", () => Logins("admin", Set(new GetClientsRequest(), "parentID", "10")));
        Step("empty", () => Logins("acme", new GetClientsRequest()));
        Step("adds", () => {
            var add = new AddExtensionRequest {
                name = "Zo\u00eb \u0141ukasz", company = "S\u00f6hne & Co <1>", login = tag, password = "Pass-2025", country = "us" };
            var added = As(new Extension(), "northwind").AddExtension(Set(add, "parentID", "20"));
            line = added.ID;
            return added.result;
        });
        Step("edits", () => {
            var edit = new EditExtensionRequest { name = "\u017dofie \u00c5ngstr\u00f6m" };
            As(new Extension(), "northwind").EditExtension(Set(edit, "ID", line));
            var told = As(new Extension(), "northwind").GetExtensionDetails(Set(new GetExtensionDetailsRequest(), "ID", line));
            return told.name + "|" + told.company;
        });
        Step("number", () => {
            var channels = As(new Channel(), "northwind");
            var free = channels.GetPublicNoPoll(Set(new GetPublicNoPollRequest(), "userID", "20")).publicNo.available[0].ID;
            channels = As(new Channel(), "northwind");
            channels.AssignPublicNo(Set(Set(new AssignPublicNoRequest(), "didID", (object)new[] { free }), "userID", line));
            channels = As(new Channel(), "northwind");
            var assigned = channels.GetPublicNoPoll(Set(new GetPublicNoPollRequest(), "userID", line)).publicNo.assigned[0];
            var gone = As(new Extension(), "northwind").DelExtension(Set(new DelExtensionRequest(), "ID", line));
            return assigned.externalNo + " " + gone.items;
        });
        Step("limits", () => {
            first = As(new Client(), "acme").AddClient(Profile(tag + "-first")).ID;
            second = As(new Client(), "acme").AddClient(Profile(tag + "-second")).ID;
            var set = new SetClientPLRequest {
                phoneExtMax = new unlimitedUInt { Value = 0, unlimited = true },
                queueExtMax = new unlimitedUInt { Value = 3, unlimited = false } };
            As(new Client(), "acme").SetClientPL(Set(set, "ID", first));
            var found = As(new Client(), "acme").GetClientPL(Set(new GetClientPLRequest(), "ID", first)).userPL;
            return found.phoneExtMax.unlimited + " " + found.queueExtMax.Value;
        });
        Step("deletes", () => As(new Client(), "acme").DelClient(Set(new DelClientRequest(), "ID", first, second)).items);
        Step("fault", () => Fault(() => As(new Client(), "acme").AddClient(Profile("northwind"))));
        Step("password", () => Fault(() => As(new Client(), "acme", "not-it").GetClients(new GetClientsRequest())));
    }
}
