// The life of a phone line as a C++ program leads it, on bindings that gSOAP made from the WSDL of all services.
// Arguments: the tag of the login. Prints what it made of the answers, a fact a line.
#include "Account.nsmap"
#include "soapAccountProxy.h"
#include "soapBillingProxy.h"
#include "soapChannelProxy.h"
#include "soapClientProxy.h"
#include "soapExtensionProxy.h"
#include "soapGlobalOpProxy.h"
#include "soapPBXProxy.h"
#include "soapReportProxy.h"
#include "soapResellerProxy.h"
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

using std::string;

// One context for all that is made; it frees it at the end.
static struct soap *context = soap_new1(SOAP_XML_STRICT);

static void fact(const string &name, const string &value) { std::cout << name << "=" << value << "\n"; }
static string count(size_t number) { return std::to_string(number); }
static string *text(const string &value) {
    string *made = soap_new_std__string(context);
    *made = value;
    return made;
}
static bool *truth() {
    bool *made = static_cast<bool *>(soap_malloc(context, sizeof(bool)));
    *made = true;
    return made;
}

// A message with all its members at their defaults.
template <class Message> static Message message() {
    Message made;
    made.soap_default(context);
    return made;
}

// A proxy at the address that the WSDL gives, with the login in its header; an answer replaces that header.
template <class Proxy> static std::unique_ptr<Proxy> service(const string &login) {
    auto made = std::make_unique<Proxy>(context);
    auto *credentials = soap_new__Header__userCredentials(context);
    credentials->soap_default(context);
    credentials->username = text(login);
    credentials->password = text(login + "-secret");
    made->soap_header(nullptr, credentials);
    return made;
}

#define CALL(service_, login, Operation, asked, answer)                                                                \
    do {                                                                                                               \
        auto proxy = service<service_##Proxy>(login);                                                                  \
        if (proxy->Operation(&asked, answer) != SOAP_OK) {                                                             \
            proxy->soap_stream_fault(std::cerr);                                                                       \
            std::cerr << #Operation << " failed\n";                                                                    \
            std::exit(1);                                                                                              \
        }                                                                                                              \
    } while (false)

// Choose one branch of a choice of the schema.
#define CHOOSE(asked, Service, Message, branch, value)                                                                 \
    do {                                                                                                               \
        asked.__union_##Message = SOAP_UNION__##Service##__union_##Message##_##branch;                                 \
        asked.union_##Message.branch = value;                                                                          \
    } while (false)

template <class Answer> static bool success(const Answer &answer) {
    return answer.result != nullptr && static_cast<int>(*answer.result) == 0;
}

int main(int, char **arguments) {
    const string tag = arguments[1], who = "northwind";

    auto clients_asked = message<_Client__GetClientsRequest>();
    auto clients = message<ClientInfo__GetClientResponseType>();
    CALL(Client, who, GetClients, clients_asked, clients);
    const string client = *clients.client[0]->ID;
    fact("clients", count(clients.client.size()));
    fact("client", client);
    fact("version", context->header->Header__serverInfo->version);

    auto poll = message<_Channel__GetPublicNoPollRequest>();
    CHOOSE(poll, Channel, GetPublicNoPollRequest, userID, text(client));
    auto numbers = message<ChannelInfo__GetNoSelectionResponseType>();
    CALL(Channel, who, GetPublicNoPoll, poll, numbers);
    const string number = *numbers.publicNo->available[0].ID;

    auto add = message<_Extension__AddExtensionRequest>();
    add.name = text("Lina Line");
    add.company = text("Northwind & Sons");
    add.login = text(tag);
    add.password = text("Pass-2025");
    add.country = text("us");
    CHOOSE(add, Extension, AddExtensionRequest, parentID, text(client));
    auto added = message<_Extension__AddExtensionResponse>();
    CALL(Extension, who, AddExtension, add, added);
    const string line = *added.ID;
    fact("added", success(added) ? "success" : "no");

    auto assign = message<_Channel__AssignPublicNoRequest>();
    assign.didID.push_back(number);
    CHOOSE(assign, Channel, AssignPublicNoRequest, userID, text(line));
    auto assigned = message<ChannelInfo__AssignPublicNoResponseType>();
    CALL(Channel, who, AssignPublicNo, assign, assigned);
    fact("assigned", success(assigned) ? "success" : "no");

    auto list = message<_Extension__GetExtensionsRequest>();
    list.filter = text(tag);
    CHOOSE(list, Extension, GetExtensionsRequest, parentID, text(client));
    auto found = message<ExtensionInfo__GetExtensionResponseType>();
    CALL(Extension, who, GetExtensions, list, found);
    fact("found", count(found.extension.size()));
    fact("same", *found.extension[0]->ID == line && *found.extension[0]->login == tag ? "true" : "false");

    auto edit = message<_Extension__EditExtensionRequest>();
    edit.name = text("Lina Longline");
    CHOOSE(edit, Extension, EditExtensionRequest, ID, text(line));
    auto edited = message<_Extension__EditExtensionResponse>();
    CALL(Extension, who, EditExtension, edit, edited);
    fact("edited", success(edited) ? "success" : "no");

    auto status = message<_Extension__SetExtensionStatusRequest>();
    status.status = truth();
    auto internal_only = _Extension__SetExtensionStatusRequest_phoneStatus::_16;
    status.phoneStatus = &internal_only;
    CHOOSE(status, Extension, SetExtensionStatusRequest, ID, text(line));
    auto set = message<Common__updateObject>();
    CALL(Extension, who, SetExtensionStatus, status, set);
    fact("set", success(set) ? "success" : "no");

    auto details = message<_Extension__GetExtensionDetailsRequest>();
    CHOOSE(details, Extension, GetExtensionDetailsRequest, ID, text(line));
    auto told = message<ExtensionInfo__GetExtensionDetailsResponseType>();
    CALL(Extension, who, GetExtensionDetails, details, told);
    fact("name", *told.name);
    fact("company", *told.company);
    fact("type", *told.extensionType == _ExtensionInfo__GetExtensionDetailsResponseType_extensionType::term ? "term" : "no");

    auto account = message<_Account__SetAccountStatusRequest>();
    account.status = truth();
    auto all_calls = _Account__SetAccountStatusRequest_phoneStatus::_1;
    account.phoneStatus = &all_calls;
    CHOOSE(account, Account, SetAccountStatusRequest, ID, text(line));
    auto account_set = message<Common__updateObject>();
    CALL(Account, who, SetAccountStatus, account, account_set);
    fact("account", success(account_set) ? "success" : "no");

    auto plans_asked = message<_Billing__GetChargingPlansRequest>();
    CHOOSE(plans_asked, Billing, GetChargingPlansRequest, userID, text(client));
    auto plans = message<BillingInfo__GetChargingPlanResponseType>();
    CALL(Billing, who, GetChargingPlans, plans_asked, plans);
    fact("plan", *plans.chargingPlan[0]->name);

    auto stats = message<_Report__QuickStatsRequest>();
    CHOOSE(stats, Report, QuickStatsRequest, userID, text(client));
    auto counted = message<ReportInfo__QuickStatsResponseType>();
    CALL(Report, who, QuickStats, stats, counted);
    fact("queues", *counted.extensions->queue->total);

    auto zone = message<_PBX__GetTimezoneRequest>();
    zone.code = text("gb");
    auto zones = message<_PBX__GetTimezoneResponse>();
    CALL(PBX, who, GetTimezone, zone, zones);
    fact("zone", *zones.timezone[0].__GetTimezoneResponse_timezone_sequence->name);

    auto linked = message<_GlobalOp__LinkedOpRequest>();
    linked.operation.resize(1);
    linked.operation[0].soap_default(context);
    linked.operation[0].identifier = "mine";
    static unsigned char inner[] = "<GetClientsRequest/>";
    auto package = message<xsd__base64Binary>();
    package.__ptr = inner;
    package.__size = sizeof inner - 1;
    linked.operation[0].package = &package;
    auto ran = message<_GlobalOp__LinkedOpResponse>();
    CALL(GlobalOp, who, LinkedOp, linked, ran);
    fact("linked", *ran.processedOp + (success(ran.operation[0]) ? " success" : " failure"));

    auto resellers_asked = message<_Reseller__GetResellersRequest>();
    auto resellers = message<ResellerInfo__GetResellersResponseType>();
    CALL(Reseller, "admin", GetResellers, resellers_asked, resellers);
    fact("resellers", count(resellers.reseller.size()));

    auto remove = message<_Extension__DelExtensionRequest>();
    std::vector<string> lines{line};
    CHOOSE(remove, Extension, DelExtensionRequest, ID, &lines);
    auto removed = message<Common__delObject>();
    CALL(Extension, who, DelExtension, remove, removed);
    fact("deleted", *removed.items);

    auto proxy = service<ExtensionProxy>(who);
    const bool refused = proxy->GetExtensionDetails(&details, told) == SOAP_FAULT;
    fact("gone", refused && string(proxy->soap_fault_string()).find("100") != string::npos ? "true" : "false");
    proxy.reset();
    soap_destroy(context);
    soap_end(context);
    soap_free(context);
}
