// The life as a program on stubs of Axis 1.4 leads it. Arguments: address, tag. A fact a line.
import com._4psa.ChannelMessages_xsd._2_5_1.*;
import com._4psa.ClientMessages_xsd._2_5_1.*;
import com._4psa.Common_xsd._2_5_1.UnlimitedUInt;
import com._4psa.ExtensionMessages_xsd._2_5_1.*;
import com._4psa.HeaderData_xsd._2_5_1.UserCredentials;
import com._4psa.VoipNowService._2_5_1.*;
import java.io.PrintStream;
import java.net.URL;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.apache.axis.AxisFault;
import org.apache.axis.client.Stub;
import org.apache.axis.types.PositiveInteger;
import org.apache.axis.types.UnsignedInt;

public class AxisLife {
    static final PrintStream out = new PrintStream(System.out, true, java.nio.charset.StandardCharsets.UTF_8);
    static String base;
    static PositiveInteger line, first, second;

    // The stubs do not know of the header: it is set by hand. Axis writes every member of the schema's choice, so
    // that those without a value have to be empty texts.
    static <Port> Port as(String user, String password, Object port) throws Exception {
        UserCredentials login = new UserCredentials();
        login.setUsername(user);
        login.setPassword(password);
        login.setCryptedAuth("");
        login.setAppKey("");
        login.setAppSecret("");
        Stub stub = (Stub) port;
        stub.clearHeaders();
        stub.setHeader("http://4psa.com/HeaderData.xsd/2.5.1", "userCredentials", login);
        @SuppressWarnings("unchecked") Port made = (Port) port;
        return made;
    }

    static URL at(String service) throws Exception {
        return new URL(base + "/soap2/" + service + "_agent.php");
    }

    static ClientInterface clients(String user, String... password) throws Exception {
        String secret = password.length > 0 ? password[0] : user + "-secret";
        return as(user, secret, new ClientPortLocator().getClientPort(at("client")));
    }

    static ExtensionInterface extensions() throws Exception {
        return as("northwind", "northwind-secret", new ExtensionPortLocator().getExtensionPort(at("extension")));
    }

    static ChannelInterface channels() throws Exception {
        return as("northwind", "northwind-secret", new ChannelPortLocator().getChannelPort(at("channel")));
    }

    static void step(String name, Callable<Object> made) {
        try {
            out.println(name + "=" + String.valueOf(made.call()).replaceAll("\\s+", " "));
        } catch (Exception problem) {
            out.println(name + "!" + problem.toString().replaceAll("\\s+", " "));
        }
    }

    static String fault(Callable<Object> made) throws Exception {
        try {
            made.call();
            return "no fault";
        } catch (AxisFault fault) {
            return fault.getFaultString();
        }
    }

    static PositiveInteger id(String text) {
        return new PositiveInteger(text);
    }

    static AddClientRequest client(String login) {
        AddClientRequest made = new AddClientRequest();
        made.setName("Cleo Client");
        made.setCompany("Cleo Ltd");
        made.setLogin(login);
        made.setPassword("Pass-2025");
        made.setCountry("us");
        return made;
    }

    static UnlimitedUInt limit(long number, boolean unlimited) {
        UnlimitedUInt made = new UnlimitedUInt(new UnsignedInt(number));
        made.setUnlimited(unlimited);
        return made;
    }

    static String logins(GetClientsRequest asked, String user) throws Exception {
        return Arrays.stream(clients(user).getClients(asked).getClient())
            .map(each -> each.getLogin()).collect(Collectors.joining(","));
    }

    public static void main(String[] arguments) {
        base = arguments[0];
        String tag = arguments[1];
        step("loads", () -> "yes");
        step("lists", () -> {
            GetClientsRequest asked = new GetClientsRequest();
            asked.setParentID(id("10"));
            return logins(asked, "admin");
        });
        step("empty", () -> logins(new GetClientsRequest(), "acme"));
        step("adds", () -> {
            AddExtensionRequest add = new AddExtensionRequest();
            add.setName("Zo\u00eb \u0141ukasz");
            add.setCompany("S\u00f6hne & Co <1>");
            add.setLogin(tag);
            add.setPassword("Pass-2025");
            add.setCountry("us");
            add.setParentID(id("20"));
            AddExtensionResponse added = extensions().addExtension(add);
            line = added.getID();
            return added.getResult();
        });
        step("edits", () -> {
            EditExtensionRequest edit = new EditExtensionRequest();
            edit.setID(line);
            edit.setName("\u017dofie \u00c5ngstr\u00f6m");
            extensions().editExtension(edit);
            GetExtensionDetailsRequest details = new GetExtensionDetailsRequest();
            details.setID(line);
            var told = extensions().getExtensionDetails(details);
            return told.getName() + "|" + told.getCompany();
        });
        step("number", () -> {
            GetPublicNoPollRequest poll = new GetPublicNoPollRequest();
            poll.setUserID(id("20"));
            PositiveInteger free = channels().getPublicNoPoll(poll).getPublicNo().getAvailable(0).getID();
            AssignPublicNoRequest assign = new AssignPublicNoRequest();
            assign.setDidID(new PositiveInteger[] {free});
            assign.setUserID(line);
            channels().assignPublicNo(assign);
            poll.setUserID(line);
            var assigned = channels().getPublicNoPoll(poll).getPublicNo().getAssigned(0);
            DelExtensionRequest delete = new DelExtensionRequest();
            delete.setID(new PositiveInteger[] {line});
            return assigned.getExternalNo() + " " + extensions().delExtension(delete).getItems();
        });
        step("limits", () -> {
            first = clients("acme").addClient(client(tag + "-first")).getID();
            second = clients("acme").addClient(client(tag + "-second")).getID();
            SetClientPLRequest set = new SetClientPLRequest();
            set.setID(first);
            set.setPhoneExtMax(limit(0, true));
            set.setQueueExtMax(limit(3, false));
            clients("acme").setClientPL(set);
            GetClientPLRequest asked = new GetClientPLRequest();
            asked.setID(first);
            var found = clients("acme").getClientPL(asked).getUserPL();
            return found.getPhoneExtMax().isUnlimited() + " " + found.getQueueExtMax();
        });
        step("deletes", () -> {
            DelClientRequest delete = new DelClientRequest();
            delete.setID(new PositiveInteger[] {first, second});
            return clients("acme").delClient(delete).getItems();
        });
        step("fault", () -> fault(() -> clients("acme").addClient(client("northwind"))));
        step("password", () -> fault(() -> clients("acme", "not-it").getClients(new GetClientsRequest())));
    }
}
