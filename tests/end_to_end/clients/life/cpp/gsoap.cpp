// The life on bindings that gSOAP made from the WSDL of three services; its context is strict, so that what
// the schema does not allow is an error on both sides. Arguments: address, tag. A fact a line.
#include "Client.nsmap"
#include "soapChannelProxy.h"
#include "soapClientProxy.h"
#include "soapExtensionProxy.h"
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

using std::string;

static struct soap *context;
static string base, tag;

static string *text(const string &value) {
    string *made = soap_new_std__string(context);
    *made = value;
    return made;
}

// A message with all its members at their defaults.
template <class Message> static Message message() {
    Message made;
    made.soap_default(context);
    return made;
}

// A proxy with the login in its header; an answer replaces that header.
template <class Proxy> static std::unique_ptr<Proxy> service(const string &agent, const string &login, const string &password) {
    auto made = std::make_unique<Proxy>(context);
    static string endpoint;
    endpoint = base + "/soap2/" + agent + "_agent.php";
    made->soap_endpoint = endpoint.c_str();
    auto *credentials = soap_new__Header__userCredentials(context);
    credentials->soap_default(context);
    credentials->username = text(login);
    credentials->password = text(password);
    made->soap_header(nullptr, credentials);
    return made;
}

template <class Proxy> static void judge(Proxy &proxy, int outcome) {
    if (outcome == SOAP_OK) return;
    const char *said = proxy.soap_fault_string();
    throw std::runtime_error(said ? said : "no text");
}

#define CALL(Service, agent, login, Operation, asked, answer)                                                          \
    do {                                                                                                               \
        auto proxy = service<Service##Proxy>(agent, login, string(login) + "-secret");                                 \
        judge(*proxy, proxy->Operation(&asked, answer));                                                               \
    } while (false)

// Choose one branch of a choice of the schema.
#define CHOOSE(asked, Service, Message, branch, value)                                                                 \
    do {                                                                                                               \
        asked.__union_##Message = SOAP_UNION__##Service##__union_##Message##_##branch;                                 \
        asked.union_##Message.branch = value;                                                                          \
    } while (false)

static void step(const string &name, const std::function<string()> &made) {
    string said, mark = "=";
    try {
        said = made();
    } catch (const std::exception &problem) {
        mark = "!";
        said = problem.what();
    }
    std::replace(said.begin(), said.end(), '\n', ' ');
    std::cout << name << mark << said << std::endl;
}

static string fault(const std::function<void()> &made) {
    try {
        made();
        return "no fault";
    } catch (const std::exception &problem) {
        return problem.what();
    }
}

template <class Answer> static string result(const Answer &answer) {
    return answer.result != nullptr && static_cast<int>(*answer.result) == 0 ? "success" : "no success";
}

static string logins(const string &login, _Client__GetClientsRequest &asked) {
    auto answer = message<ClientInfo__GetClientResponseType>();
    CALL(Client, "client", login, GetClients, asked, answer);
    string found;
    for (auto *each : answer.client) found += (found.empty() ? "" : ",") + *each->login;
    return found;
}

static string add_client(const string &login) {
    auto add = message<_Client__AddClientRequest>();
    add.name = text("Cleo Client");
    add.company = text("Cleo Ltd");
    add.login = text(login);
    add.password = text("Pass-2025");
    add.country = text("us");
    auto added = message<_Client__AddClientResponse>();
    CALL(Client, "client", "acme", AddClient, add, added);
    return added.ID;
}

static ChannelInfo__GetNoSelectionResponseType *numbers(const string &owner) {
    auto poll = message<_Channel__GetPublicNoPollRequest>();
    CHOOSE(poll, Channel, GetPublicNoPollRequest, userID, text(owner));
    auto *answer = soap_new_ChannelInfo__GetNoSelectionResponseType(context);
    CALL(Channel, "channel", "northwind", GetPublicNoPoll, poll, *answer);
    return answer;
}

static Common__unlimitedUInt *limit(unsigned value, bool unlimited) {
    auto *made = soap_new_Common__unlimitedUInt(context);
    made->soap_default(context);
    made->__item = value;
    made->unlimited = unlimited;
    return made;
}

int main(int, char **arguments) {
    base = arguments[1];
    tag = arguments[2];
    context = soap_new1(SOAP_XML_STRICT | SOAP_C_UTFSTRING);
    if (const char *authority = std::getenv("SHIM_CA"))
        if (soap_ssl_client_context(context, SOAP_SSL_REQUIRE_SERVER_AUTHENTICATION, nullptr, nullptr, authority, nullptr, nullptr))
            return 1;
    string line, first, second;
    step("loads", [] { return "yes"; });
    step("lists", [] {
        auto asked = message<_Client__GetClientsRequest>();
        CHOOSE(asked, Client, GetClientsRequest, parentID, text("10"));
        return logins("admin", asked);
    });
    step("empty", [] {
        auto asked = message<_Client__GetClientsRequest>();
        return logins("acme", asked);
    });
    step("adds", [&] {
        auto add = message<_Extension__AddExtensionRequest>();
        add.name = text("Zoë Łukasz");
        add.company = text("Söhne & Co <1>");
        add.login = text(tag);
        add.password = text("Pass-2025");
        add.country = text("us");
        CHOOSE(add, Extension, AddExtensionRequest, parentID, text("20"));
        auto added = message<_Extension__AddExtensionResponse>();
        CALL(Extension, "extension", "northwind", AddExtension, add, added);
        line = *added.ID;
        return result(added);
    });
    step("edits", [&] {
        auto edit = message<_Extension__EditExtensionRequest>();
        edit.name = text("Žofie Ångström");
        CHOOSE(edit, Extension, EditExtensionRequest, ID, text(line));
        auto edited = message<_Extension__EditExtensionResponse>();
        CALL(Extension, "extension", "northwind", EditExtension, edit, edited);
        auto details = message<_Extension__GetExtensionDetailsRequest>();
        CHOOSE(details, Extension, GetExtensionDetailsRequest, ID, text(line));
        auto told = message<ExtensionInfo__GetExtensionDetailsResponseType>();
        CALL(Extension, "extension", "northwind", GetExtensionDetails, details, told);
        return *told.name + "|" + *told.company;
    });
    step("number", [&] {
        auto assign = message<_Channel__AssignPublicNoRequest>();
        assign.didID.push_back(*numbers("20")->publicNo->available[0].ID);
        CHOOSE(assign, Channel, AssignPublicNoRequest, userID, text(line));
        auto assigned = message<ChannelInfo__AssignPublicNoResponseType>();
        CALL(Channel, "channel", "northwind", AssignPublicNo, assign, assigned);
        const string number = *numbers(line)->publicNo->assigned[0].externalNo;
        auto remove = message<_Extension__DelExtensionRequest>();
        std::vector<string> lines{line};
        CHOOSE(remove, Extension, DelExtensionRequest, ID, &lines);
        auto removed = message<Common__delObject>();
        CALL(Extension, "extension", "northwind", DelExtension, remove, removed);
        return number + " " + *removed.items;
    });
    step("limits", [&] {
        first = add_client(tag + "-first");
        second = add_client(tag + "-second");
        auto set = message<_Client__SetClientPLRequest>();
        set.phoneExtMax = limit(0, true);
        set.queueExtMax = limit(3, false);
        CHOOSE(set, Client, SetClientPLRequest, ID, text(first));
        auto done = message<Common__updateObject>();
        CALL(Client, "client", "acme", SetClientPL, set, done);
        auto asked = message<_Client__GetClientPLRequest>();
        CHOOSE(asked, Client, GetClientPLRequest, ID, text(first));
        auto found = message<ClientInfo__GetClientPLResponseType>();
        CALL(Client, "client", "acme", GetClientPL, asked, found);
        return string(found.userPL->phoneExtMax->unlimited ? "true" : "false") + " " + std::to_string(found.userPL->queueExtMax->__item);
    });
    step("deletes", [&] {
        auto remove = message<_Client__DelClientRequest>();
        std::vector<string> clients{first, second};
        CHOOSE(remove, Client, DelClientRequest, ID, &clients);
        auto removed = message<Common__delObject>();
        CALL(Client, "client", "acme", DelClient, remove, removed);
        return *removed.items;
    });
    step("fault", [] { return fault([] { add_client("northwind"); }); });
    step("password", [] {
        return fault([] {
            auto asked = message<_Client__GetClientsRequest>();
            auto answer = message<ClientInfo__GetClientResponseType>();
            auto proxy = service<ClientProxy>("client", "acme", "not-it");
            judge(*proxy, proxy->GetClients(&asked, answer));
        });
    });
    soap_destroy(context);
    soap_end(context);
    soap_free(context);
}
