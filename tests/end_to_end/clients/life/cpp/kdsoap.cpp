// The life with classes that kdwsdl2cpp of KDSoap made from an edited copy of the WSDL of three services.
// Arguments: address, tag. A fact a line.
#include "wsdl_Channel.h"
#include "wsdl_Client.h"
#include "wsdl_Extension.h"
#include <KDSoapClientInterface.h>
#include <QCoreApplication>
#include <QFile>
#include <QSslConfiguration>
#include <QTextStream>
#include <functional>
#include <stdexcept>

static QString base, tag;

struct Fault : std::runtime_error {
    explicit Fault(const QString &text) : std::runtime_error(text.toStdString()) {}
};

// A port with the login in its header.
template <class Port, class Credentials> struct Service : Port {
    Service(const char *agent, const QString &login, const QString &password) {
        this->setEndPoint(base + "/soap2/" + agent + "_agent.php");
        Credentials credentials;
        credentials.setUsername(login);
        credentials.setPassword(password);
        this->setHeaderPartHeader(credentials);
    }

    // What a call gave, or its fault.
    template <class Answer> Answer judged(const Answer &answer) {
        if (!this->lastError().isEmpty()) throw Fault(this->lastError());
        return answer;
    }
};

struct Clients : Service<ClientNS::ClientPort, ClientNS::IMPORT7__UserCredentials> {
    explicit Clients(const QString &login, const QString &password = QString())
        : Service("client", login, password.isEmpty() ? login + "-secret" : password) {}
};

struct Extensions : Service<ExtensionNS::ExtensionPort, ExtensionNS::IMPORT7__UserCredentials> {
    Extensions() : Service("extension", "northwind", "northwind-secret") {}
};

struct Channels : Service<ChannelNS::ChannelPort, ChannelNS::IMPORT7__UserCredentials> {
    Channels() : Service("channel", "northwind", "northwind-secret") {}
};

static void step(const char *name, const std::function<QString()> &made) {
    QTextStream out(stdout);
    out.setCodec("UTF-8");
    try {
        out << name << "=" << made().simplified() << "\n";
    } catch (const std::exception &problem) {
        out << name << "!" << QString::fromUtf8(problem.what()).simplified() << "\n";
    }
}

static QString fault(const std::function<void()> &made) {
    try {
        made();
        return "no fault";
    } catch (const Fault &problem) {
        return QString::fromUtf8(problem.what());
    }
}

static QString logins(Clients &&clients, const ClientNS::IMPORT0__GetClientsRequest &asked) {
    QStringList found;
    for (const auto &each : clients.judged(clients.getClients(asked)).client()) found << each.login().value();
    return found.join(",");
}

static quint64 add_client(const QString &login) {
    ClientNS::IMPORT0__AddClientRequest add;
    add.setName(QString("Cleo Client"));
    add.setCompany(QString("Cleo Ltd"));
    add.setLogin(login);
    add.setPassword(QString("Pass-2025"));
    add.setCountry(QString("us"));
    Clients clients("acme");
    return clients.judged(clients.addClient(add)).iD().value();
}

static ChannelNS::CHANNELDATA__PublicNoSelection numbers(quint64 owner) {
    ChannelNS::IMPORT0__GetPublicNoPollRequest asked;
    asked.setUserID(owner);
    Channels channels;
    return channels.judged(channels.getPublicNoPoll(asked)).publicNo();
}

static ClientNS::COMMON__UnlimitedUInt limit(unsigned value, bool unlimited) {
    ClientNS::COMMON__UnlimitedUInt made(value);
    made.setUnlimited(unlimited);
    return made;
}

int main(int count, char **arguments) {
    QCoreApplication application(count, arguments);
    base = arguments[1];
    tag = arguments[2];
    if (qEnvironmentVariableIsSet("SHIM_CA")) {
        auto trusted = QSslConfiguration::defaultConfiguration();
        trusted.setCaCertificates(QSslCertificate::fromPath(qEnvironmentVariable("SHIM_CA")));
        QSslConfiguration::setDefaultConfiguration(trusted);
    }
    quint64 line = 0, first = 0, second = 0;
    step("loads", [] { return "yes"; });
    step("lists", [] {
        ClientNS::IMPORT0__GetClientsRequest asked;
        asked.setParentID(10);
        return logins(Clients("admin"), asked);
    });
    step("empty", [] { return logins(Clients("acme"), ClientNS::IMPORT0__GetClientsRequest()); });
    step("adds", [&] {
        ExtensionNS::IMPORT0__AddExtensionRequest add;
        add.setName(QString::fromUtf8("Zoë Łukasz"));
        add.setCompany(QString::fromUtf8("Söhne & Co <1>"));
        add.setLogin(tag);
        add.setPassword(QString("Pass-2025"));
        add.setCountry(QString("us"));
        add.setParentID(20);
        Extensions extensions;
        const auto added = extensions.judged(extensions.addExtension(add));
        line = added.iD().value();
        return added.result().type() == ExtensionNS::IMPORT0__Result::Success ? "success" : "no success";
    });
    step("edits", [&] {
        ExtensionNS::IMPORT0__EditExtensionRequest edit;
        edit.setName(QString::fromUtf8("Žofie Ångström"));
        edit.setID(line);
        Extensions extensions;
        extensions.judged(extensions.editExtension(edit));
        ExtensionNS::IMPORT0__GetExtensionDetailsRequest details;
        details.setID(line);
        const auto told = extensions.judged(extensions.getExtensionDetails(details));
        return told.name().value() + "|" + told.company().value();
    });
    step("number", [&] {
        ChannelNS::IMPORT0__AssignPublicNoRequest assign;
        assign.setDidID({numbers(20).available().first().iD()});
        assign.setUserID(line);
        Channels channels;
        channels.judged(channels.assignPublicNo(assign));
        const auto number = numbers(line).assigned().first().externalNo().value();
        ExtensionNS::IMPORT0__DelExtensionRequest remove;
        remove.setID(line);
        Extensions extensions;
        return number + " " + QString::number(extensions.judged(extensions.delExtension(remove)).items());
    });
    step("limits", [&] {
        first = add_client(tag + "-first");
        second = add_client(tag + "-second");
        ClientNS::IMPORT0__SetClientPLRequest set;
        set.setPhoneExtMax(limit(0, true));
        set.setQueueExtMax(limit(3, false));
        set.setID(first);
        Clients clients("acme");
        clients.judged(clients.setClientPL(set));
        ClientNS::IMPORT0__GetClientPLRequest asked;
        asked.setID(first);
        const auto answer = clients.judged(clients.getClientPL(asked));
        const auto *found = answer.userPL();
        return QString(found->phoneExtMax().unlimited().value() ? "true " : "false ")
            + QString::number(found->queueExtMax().value());
    });
    step("deletes", [&] {
        qint64 items = 0;
        for (quint64 each : {first, second}) { // a choice of lists is a choice of single values to it
            ClientNS::IMPORT0__DelClientRequest remove;
            remove.setID(each);
            Clients clients("acme");
            items = clients.judged(clients.delClient(remove)).items();
        }
        return QString::number(items);
    });
    step("fault", [] { return fault([] { add_client("northwind"); }); });
    step("password", [] {
        return fault([] { logins(Clients("acme", "not-it"), ClientNS::IMPORT0__GetClientsRequest()); });
    });
}
