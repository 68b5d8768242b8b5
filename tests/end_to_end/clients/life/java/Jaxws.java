// The life as a Java program leads it, on bindings that wsimport made. Arguments: address, tag. A fact a line.
import com._4psa.channelmessages_xsd._2_5.*;
import com._4psa.clientmessages_xsd._2_5.*;
import com._4psa.common_xsd._2_5.*;
import com._4psa.extensionmessages_xsd._2_5.*;
import com._4psa.headerdata_xsd._2_5.*;
import com._4psa.voipnowservice._2_5.*;
import java.io.PrintStream;
import java.math.BigInteger;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.Holder;
import javax.xml.ws.soap.SOAPFaultException;

public class Jaxws {
    static final Holder<ServerInfo> server = new Holder<>();
    static final PrintStream out = new PrintStream(System.out, true, java.nio.charset.StandardCharsets.UTF_8);
    static String base;

    static UserCredentials login(String name, String password) {
        UserCredentials made = new UserCredentials();
        made.setUsername(name);
        made.setPassword(password);
        return made;
    }

    static UserCredentials login(String name) {
        return login(name, name + "-secret");
    }

    static <Port> Port at(Port port, String service) {
        String address = base + "/soap2/" + service + "_agent.php";
        ((BindingProvider) port).getRequestContext().put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, address);
        return port;
    }

    static void step(String name, Callable<Object> made) {
        try {
            out.println(name + "=" + made.call().toString().replaceAll("\\s+", " "));
        } catch (Exception problem) {
            out.println(name + "!" + problem.toString().replaceAll("\\s+", " "));
        }
    }

    static String fault(Callable<Object> made) throws Exception {
        try {
            made.call();
            return "no fault";
        } catch (SOAPFaultException fault) {
            return fault.getFault().getFaultString();
        }
    }

    static AddClientRequest client(String login) {
        var made = new AddClientRequest();
        made.setName("Cleo Client");
        made.setCompany("Cleo Ltd");
        made.setLogin(login);
        made.setPassword("Pass-2025");
        made.setCountry("us");
        return made;
    }

    static UnlimitedUInt limit(long number, boolean unlimited) {
        var made = new UnlimitedUInt();
        made.setValue(number);
        made.setUnlimited(unlimited);
        return made;
    }

    static String logins(GetClientsRequest asked, String user) {
        return clients.getClients(asked, login(user), server).getClient().stream()
            .map(each -> each.getLogin()).collect(Collectors.joining(","));
    }

    static ClientInterface clients;
    static BigInteger line, first, second;

    public static void main(String[] arguments) throws Exception {
        base = arguments[0];
        String tag = arguments[1];
        clients = at(new ClientPort().getClientPort(), "client");
        ExtensionInterface extensions = at(new ExtensionPort().getExtensionPort(), "extension");
        ChannelInterface channels = at(new ChannelPort().getChannelPort(), "channel");
        UserCredentials northwind = login("northwind"), acme = login("acme");
        BigInteger own = BigInteger.valueOf(20);

        step("loads", () -> "yes");
        step("lists", () -> {
            var asked = new GetClientsRequest();
            asked.setParentID(BigInteger.TEN);
            return logins(asked, "admin");
        });
        step("empty", () -> logins(new GetClientsRequest(), "acme"));
        step("adds", () -> {
            var add = new AddExtensionRequest();
            add.setName("Zo\u00eb \u0141ukasz");
            add.setCompany("S\u00f6hne & Co <1>");
            add.setLogin(tag);
            add.setPassword("Pass-2025");
            add.setCountry("us");
            add.setParentID(own);
            var added = extensions.addExtension(add, northwind, server);
            line = added.getID();
            return added.getResult();
        });
        step("edits", () -> {
            var edit = new EditExtensionRequest();
            edit.setID(line);
            edit.setName("\u017dofie \u00c5ngstr\u00f6m");
            extensions.editExtension(edit, northwind, server);
            var details = new GetExtensionDetailsRequest();
            details.setID(line);
            var told = extensions.getExtensionDetails(details, northwind, server);
            return told.getName() + "|" + told.getCompany();
        });
        step("number", () -> {
            var poll = new GetPublicNoPollRequest();
            poll.setUserID(own);
            var free = channels.getPublicNoPoll(poll, northwind, server).getPublicNo().getAvailable().get(0).getID();
            var assign = new AssignPublicNoRequest();
            assign.getDidID().add(free);
            assign.setUserID(line);
            channels.assignPublicNo(assign, northwind, server);
            poll.setUserID(line);
            var assigned = channels.getPublicNoPoll(poll, northwind, server).getPublicNo().getAssigned().get(0);
            var delete = new DelExtensionRequest();
            delete.getID().add(line);
            return assigned.getExternalNo() + " " + extensions.delExtension(delete, northwind, server).getItems();
        });
        step("limits", () -> {
            first = clients.addClient(client(tag + "-first"), acme, server).getID();
            second = clients.addClient(client(tag + "-second"), acme, server).getID();
            var set = new SetClientPLRequest();
            set.setID(first);
            set.setPhoneExtMax(limit(0, true));
            set.setQueueExtMax(limit(3, false));
            clients.setClientPL(set, acme, server);
            var asked = new GetClientPLRequest();
            asked.setID(first);
            var found = clients.getClientPL(asked, acme, server).getUserPL();
            return found.getPhoneExtMax().isUnlimited() + " " + found.getQueueExtMax().getValue();
        });
        step("deletes", () -> {
            var delete = new DelClientRequest();
            delete.getID().add(first);
            delete.getID().add(second);
            return clients.delClient(delete, acme, server).getItems();
        });
        step("fault", () -> fault(() -> clients.addClient(client("northwind"), acme, server)));
        step("password", () -> fault(() -> clients.getClients(new GetClientsRequest(), login("acme", "not-it"), server)));
    }
}
