# Calls with soap4r, one for each line of stdin, in the form of tests/chaos/toolkits.py. Argument: address.
require 'soap/wsdlDriver'
require 'soap/header/simplehandler'

$VERBOSE = nil
STDOUT.sync = true
BASE = ARGV[0]
HEADER = 'http://4psa.com/HeaderData.xsd/2.5.1'

# It makes each pattern of the schema a Regexp of bytes, and \p{Nd} is none.
class WSDL::XMLSchema::Pattern
  def parse_attr(_attr, value)
    value.source
  end
end

class Login < SOAP::Header::SimpleHandler
  def initialize(user)
    super(XSD::QName.new(HEADER, 'userCredentials'))
    @login = { XSD::QName.new(HEADER, 'username') => user, XSD::QName.new(HEADER, 'password') => "#{user}-secret" }
  end

  def on_simple_outbound
    @login
  end
end

def driver(service)
  ($drivers ||= {})[service] ||= begin
    made = SOAP::WSDLDriverFactory.new("#{BASE}/soap2/schema/latest/#{service}/#{service}.wsdl").create_rpc_driver
    made.options['protocol.http.receive_timeout'] = 100
    made
  end
end

def made(user, operation, wanted, *fields)
  service, name = operation.split('.')
  client = driver(service)
  login = Login.new(user)
  client.headerhandler << login
  given = fields.to_h { |each| each.split('=', 2) }.transform_keys(&:to_sym)
  given[:ID] = [given[:ID]] if name.start_with?('Del')
  answer = client.send(name[0].downcase + name[1..], given)
  wanted.empty? ? '' : answer.send(wanted[0].downcase + wanted[1..])
ensure
  client&.headerhandler&.delete(login)
end

%w[Extension Client].each { |each| driver(each) }
puts 'ready'
while (given = STDIN.gets)
  begin
    said = "=#{made(*given.chomp.split("\t", -1))}"
  rescue Exception => problem
    said = "!#{problem.message}"
  end
  puts said.gsub(/\s+/, ' ')
end
