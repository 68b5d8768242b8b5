// The life of a phone line as a Java program leads it, on bindings that wsimport made from the WSDL of all services.
// Arguments: the tag of the login. Prints what it made of the answers, a fact a line.
import com._4psa.accountmessages_xsd._2_5.SetAccountStatusRequest;
import com._4psa.billingmessages_xsd._2_5.GetChargingPlansRequest;
import com._4psa.channelmessages_xsd._2_5.*;
import com._4psa.clientmessages_xsd._2_5.GetClientsRequest;
import com._4psa.extensionmessages_xsd._2_5.*;
import com._4psa.globalopmessages_xsd._2_5.LinkedOpRequest;
import com._4psa.headerdata_xsd._2_5.*;
import com._4psa.pbxmessages_xsd._2_5.GetTimezoneRequest;
import com._4psa.reportmessages_xsd._2_5.QuickStatsRequest;
import com._4psa.resellermessages_xsd._2_5.GetResellersRequest;
import com._4psa.voipnowservice._2_5.*;
import java.math.BigInteger;
import javax.xml.ws.Holder;
import javax.xml.ws.soap.SOAPFaultException;

public class Line {
    static final Holder<ServerInfo> server = new Holder<>();

    static UserCredentials login(String name) {
        UserCredentials made = new UserCredentials();
        made.setUsername(name);
        made.setPassword(name + "-secret");
        return made;
    }

    static void fact(String name, Object value) {
        System.out.println(name + "=" + value);
    }

    public static void main(String[] arguments) {
        String tag = arguments[0];
        UserCredentials who = login("northwind"), admin = login("admin");
        ExtensionInterface extensions = new ExtensionPort().getExtensionPort();
        ChannelInterface channels = new ChannelPort().getChannelPort();

        var clients = new ClientPort().getClientPort().getClients(new GetClientsRequest(), who, server).getClient();
        BigInteger client = clients.get(0).getID();
        fact("clients", clients.size());
        fact("client", client);
        fact("version", server.value.getVersion());

        var poll = new GetPublicNoPollRequest();
        poll.setUserID(client);
        BigInteger number = channels.getPublicNoPoll(poll, who, server).getPublicNo().getAvailable().get(0).getID();

        var add = new AddExtensionRequest();
        add.setName("Lina Line");
        add.setCompany("Northwind & Sons");
        add.setLogin(tag);
        add.setPassword("Pass-2025");
        add.setCountry("us");
        add.setParentID(client);
        var added = extensions.addExtension(add, who, server);
        BigInteger line = added.getID();
        fact("added", added.getResult());

        var assign = new AssignPublicNoRequest();
        assign.getDidID().add(number);
        assign.setUserID(line);
        fact("assigned", channels.assignPublicNo(assign, who, server).getResult());

        var list = new GetExtensionsRequest();
        list.setFilter(tag);
        list.setParentID(client);
        var found = extensions.getExtensions(list, who, server).getExtension();
        fact("found", found.size());
        fact("same", found.get(0).getID().equals(line) && found.get(0).getLogin().equals(tag));

        var edit = new EditExtensionRequest();
        edit.setID(line);
        edit.setName("Lina Longline");
        fact("edited", extensions.editExtension(edit, who, server).getResult());

        var status = new SetExtensionStatusRequest();
        status.setID(line);
        status.setStatus(true);
        status.setPhoneStatus("16");
        status.setPhoneStatus("16");
        fact("set", extensions.setExtensionStatus(status, who, server).getResult());

        var details = new GetExtensionDetailsRequest();
        details.setID(line);
        var told = extensions.getExtensionDetails(details, who, server);
        fact("name", told.getName());
        fact("company", told.getCompany());
        fact("type", told.getExtensionType());

        var account = new SetAccountStatusRequest();
        account.setID(line);
        account.setStatus(true);
        account.setPhoneStatus("1");
        account.setPhoneStatus("1");
        fact("account", new AccountPort().getAccountPort().setAccountStatus(account, who, server).getResult());

        var plans = new GetChargingPlansRequest();
        plans.setUserID(client);
        var plan = new BillingPort().getBillingPort().getChargingPlans(plans, who, server).getChargingPlan().get(0);
        fact("plan", plan.getName());

        var stats = new QuickStatsRequest();
        stats.setUserID(client);
        var counted = new ReportPort().getReportPort().quickStats(stats, who, server).getExtensions();
        fact("queues", counted.getQueue().getTotal());

        var zone = new GetTimezoneRequest();
        zone.setCode("gb");
        fact("zone", new PBXPort().getPBXPort().getTimezone(zone, who, server).getTimezone().get(0).getName());

        var operation = new LinkedOpRequest.Operation();
        operation.setIdentifier("mine");
        operation.setPackage("<GetClientsRequest/>".getBytes());
        var linked = new LinkedOpRequest();
        linked.getOperation().add(operation);
        var ran = new GlobalOpPort().getGlobalOpPort().linkedOp(linked, who, server);
        fact("linked", ran.getProcessedOp() + " " + ran.getOperation().get(0).getResult());

        var resellers = new ResellerPort().getResellerPort().getResellers(new GetResellersRequest(), admin, server);
        fact("resellers", resellers.getReseller().size());

        var delete = new DelExtensionRequest();
        delete.getID().add(line);
        fact("deleted", extensions.delExtension(delete, who, server).getItems());
        try {
            extensions.getExtensionDetails(details, who, server);
            fact("gone", "no");
        } catch (SOAPFaultException fault) {
            fact("gone", fault.getFault().getFaultString().contains("100"));
        }
    }
}
