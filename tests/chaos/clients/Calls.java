// Calls on bindings that wsimport made, one for each line of stdin, in the form of tests/chaos/toolkits.py.
// Argument: address.
import com._4psa.headerdata_xsd._2_5.*;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.Holder;

public class Calls {
    static final Map<String, Object> ports = new HashMap<>();
    static String base;

    static Object port(String service) throws Exception {
        if (!ports.containsKey(service)) {
            Object of = Class.forName("com._4psa.voipnowservice._2_5." + service + "Port").getConstructor().newInstance();
            Object port = of.getClass().getMethod("get" + service + "Port").invoke(of);
            var context = ((BindingProvider) port).getRequestContext();
            String path = "/soap2/" + service.toLowerCase() + "_agent.php";
            context.put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, base + path);
            context.put("com.sun.xml.ws.request.timeout", 100_000);
            ports.put(service, port);
        }
        return ports.get(service);
    }

    static Method named(Object of, String name) {
        return Arrays.stream(of.getClass().getMethods()).filter(each -> each.getName().equals(name)).findFirst().orElse(null);
    }

    @SuppressWarnings("unchecked")
    static void set(Object request, String name, String value) throws Exception {
        String capital = Character.toUpperCase(name.charAt(0)) + name.substring(1);
        Method setter = named(request, "set" + capital);
        if (setter == null) {
            ((List<Object>) named(request, "get" + capital).invoke(request)).add(new BigInteger(value));
        } else {
            boolean number = setter.getParameterTypes()[0] == BigInteger.class;
            setter.invoke(request, number ? new BigInteger(value) : value);
        }
    }

    static String made(String[] words) throws Exception {
        String[] operation = words[1].split("\\.");
        String of = "com._4psa." + operation[0].toLowerCase() + "messages_xsd._2_5.";
        Object request = Class.forName(of + operation[1] + "Request").getConstructor().newInstance();
        for (int at = 3; at < words.length; at++) {
            String[] pair = words[at].split("=", 2);
            set(request, pair[0], pair[1]);
        }
        UserCredentials login = new UserCredentials();
        login.setUsername(words[0]);
        login.setPassword(words[0] + "-secret");
        Object port = port(operation[0]);
        String method = Character.toLowerCase(operation[1].charAt(0)) + operation[1].substring(1);
        Object answer = named(port, method).invoke(port, request, login, new Holder<ServerInfo>());
        String wanted = words[2];
        return wanted.isEmpty() ? "" : String.valueOf(
            named(answer, "get" + Character.toUpperCase(wanted.charAt(0)) + wanted.substring(1)).invoke(answer));
    }

    public static void main(String[] arguments) throws Exception {
        base = arguments[0];
        port("Extension");
        port("Client");
        System.out.println("ready");
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String said;
            try {
                said = "=" + made(line.split("\t", -1));
            } catch (InvocationTargetException problem) {
                said = "!" + problem.getTargetException();
            } catch (Exception problem) {
                said = "!" + problem;
            }
            System.out.println(said.replaceAll("\\s+", " "));
        }
    }
}
