// The life with WCF's messages and channels (System.ServiceModel). There is no generated code, for Mono's svcutil
// writes none: bodies are made by hand, envelopes, headers and faults are the toolkit's. Arguments: address, tag.
using System;
using System.Collections.Generic;
using System.Linq;
using System.ServiceModel;
using System.ServiceModel.Channels;
using System.Text;
using System.Xml;
using System.Xml.Linq;

// What a client has that takes messages as they are.
[ServiceContract]
public interface ISystemApi {
    [OperationContract(Action = "*", ReplyAction = "*")]
    Message Call(Message asked);
}

// A request's body, which is the only part of the message that is written by hand.
class Body : BodyWriter {
    readonly XElement body;

    public Body(XElement body) : base(true) { this.body = body; }

    protected override void OnWriteBodyContents(XmlDictionaryWriter writer) { body.WriteTo(writer); }
}

// The header; WCF writes its envelope around it.
class Login : MessageHeader {
    readonly string user, password;

    public Login(string user, string password) { this.user = user; this.password = password; }

    public override string Name { get { return "userCredentials"; } }
    public override string Namespace { get { return "http://4psa.com/HeaderData.xsd/2.5.1"; } }

    protected override void OnWriteHeaderContents(XmlDictionaryWriter writer, MessageVersion version) {
        writer.WriteElementString("username", Namespace, user);
        writer.WriteElementString("password", Namespace, password);
    }
}

static class WcfLife {
    static string address, tag, line, first, second;

    static XElement Call(string user, string operation, string password, params object[] fields) {
        var service = operation.Split('.')[0];
        var name = operation.Split('.')[1];
        XNamespace space = "http://4psa.com/" + service + "Messages.xsd/2.5.1";
        var body = new XElement(space + (name + "Request"));
        for (var i = 0; i < fields.Length; i += 2) {
            var field = new XElement(space + (string)fields[i]);
            var limit = fields[i + 1] as Tuple<string, bool>;
            if (limit != null) field.SetAttributeValue("unlimited", limit.Item2);
            field.Value = limit != null ? limit.Item1 : (string)fields[i + 1];
            body.Add(field);
        }
        var binding = new BasicHttpBinding();
        if (address.StartsWith("https:")) binding.Security.Mode = BasicHttpSecurityMode.Transport;
        var at = new EndpointAddress(address + "/soap2/" + service.ToLower() + "_agent.php");
        var channel = new ChannelFactory<ISystemApi>(binding, at).CreateChannel();
        var asked = Message.CreateMessage(MessageVersion.Soap11, operation, new Body(body));
        asked.Headers.Add(new Login(user, password));
        var answer = channel.Call(asked);
        using (var reader = answer.GetReaderAtBodyContents()) return XElement.Load(reader.ReadSubtree());
    }

    static XElement As(string user, string operation, params object[] fields) {
        return Call(user, operation, user + "-secret", fields);
    }

    static IEnumerable<XElement> All(XElement answer, string name) {
        return answer.Descendants().Where(each => each.Name.LocalName == name);
    }

    static string Of(XElement answer, string name) { return All(answer, name).First().Value; }

    static string Logins(XElement answer) { return string.Join(",", All(answer, "login").Select(each => each.Value)); }

    static object[] Profile(string login) {
        return new object[] { "name", "Cleo Client", "company", "Cleo Ltd", "login", login, "password", "Pass-2025", "country", "us" };
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
        } catch (FaultException fault) {
            return fault.Message;
        }
    }

    static void Main(string[] arguments) {
        Console.OutputEncoding = new UTF8Encoding(false);
        address = arguments[0];
        tag = arguments[1];
        Step("lists", () => Logins(As("admin", "Client.GetClients", "parentID", "10")));
        Step("empty", () => Logins(As("acme", "Client.GetClients")));
        Step("adds", () => {
            var added = As("northwind", "Extension.AddExtension", "name", "Zo\u00eb \u0141ukasz", "company", "S\u00f6hne & Co <1>",
                "login", tag, "password", "Pass-2025", "country", "us", "parentID", "20");
            line = Of(added, "ID");
            return Of(added, "result");
        });
        Step("edits", () => {
            As("northwind", "Extension.EditExtension", "name", "\u017dofie \u00c5ngstr\u00f6m", "ID", line);
            var told = As("northwind", "Extension.GetExtensionDetails", "ID", line);
            return Of(told, "name") + "|" + Of(told, "company");
        });
        Step("number", () => {
            var free = All(As("northwind", "Channel.GetPublicNoPoll", "userID", "20"), "available").First();
            As("northwind", "Channel.AssignPublicNo", "didID", Of(free, "ID"), "userID", line);
            var assigned = All(As("northwind", "Channel.GetPublicNoPoll", "userID", line), "assigned").First();
            var gone = As("northwind", "Extension.DelExtension", "ID", line);
            return Of(assigned, "externalNo") + " " + Of(gone, "items");
        });
        Step("limits", () => {
            first = Of(As("acme", "Client.AddClient", Profile(tag + "-first")), "ID");
            second = Of(As("acme", "Client.AddClient", Profile(tag + "-second")), "ID");
            As("acme", "Client.SetClientPL", "phoneExtMax", Tuple.Create("0", true), "queueExtMax", Tuple.Create("3", false), "ID", first);
            var found = As("acme", "Client.GetClientPL", "ID", first);
            var phone = All(found, "phoneExtMax").First();
            return (string)phone.Attribute("unlimited") + " " + Of(found, "queueExtMax");
        });
        Step("deletes", () => Of(As("acme", "Client.DelClient", "ID", first, "ID", second), "items"));
        Step("fault", () => Fault(() => As("acme", "Client.AddClient", Profile("northwind"))));
        Step("password", () => Fault(() => Call("acme", "Client.GetClients", "not-it")));
    }
}
