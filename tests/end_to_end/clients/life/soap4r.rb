# The life with soap4r and the WSDL of each service. Arguments: address, tag.
require 'soap/wsdlDriver'
require 'soap/header/simplehandler'

$VERBOSE = nil
STDOUT.sync = true
BASE, TAG = ARGV
HEADER = 'http://4psa.com/HeaderData.xsd/2.5.1'

# It makes each pattern of the schema a Regexp of bytes, and \p{Nd} is none.
class WSDL::XMLSchema::Pattern
  def parse_attr(_attr, value)
    value.source
  end
end

class Login < SOAP::Header::SimpleHandler
  def initialize(user, password)
    super(XSD::QName.new(HEADER, 'userCredentials'))
    @login = { XSD::QName.new(HEADER, 'username') => user, XSD::QName.new(HEADER, 'password') => password }
  end

  def on_simple_outbound
    @login
  end
end

def driver(service)
  ($drivers ||= {})[service] ||= begin
    made = SOAP::WSDLDriverFactory.new("#{BASE}/soap2/schema/latest/#{service}/#{service}.wsdl").create_rpc_driver
    made.options['protocol.http.ssl_config.ca_file'] = ENV['SHIM_CA'] if ENV['SHIM_CA']
    made
  end
end

def call(user, operation, fields, password = nil)
  service, name = operation.split('.')
  client = driver(service)
  login = Login.new(user, password || "#{user}-secret")
  client.headerhandler << login
  client.send(name[0].downcase + name[1..], fields)
ensure
  client&.headerhandler&.delete(login)
end

def step(name)
  puts "#{name}=#{yield.to_s.gsub(/\s+/, ' ')}"
rescue Exception => problem
  puts "#{name}!#{problem.class} #{problem.message.gsub(/\s+/, ' ')}"
end

def list(found)
  found.is_a?(Array) ? found : [found].compact
end

def logins(answer)
  list(answer.client).map(&:login).join(',')
end

def fault
  yield
  'no fault'
rescue SOAP::FaultError => problem
  problem.message
end

profile = { name: 'Cleo Client', company: 'Cleo Ltd', password: 'Pass-2025', country: 'us' }
line = first = second = nil
step('loads') { driver('Extension').respond_to?(:addExtension) ? 'yes' : 'no' }
step('lists') { logins(call('admin', 'Client.GetClients', { parentID: 10 })) }
step('empty') { logins(call('acme', 'Client.GetClients', {})) }
step('adds') do
  answer = call('northwind', 'Extension.AddExtension', { name: 'Zoë Łukasz', company: 'Söhne & Co <1>', login: TAG,
                                                         password: 'Pass-2025', country: 'us', parentID: 20 })
  line = answer.iD
  answer.result
end
step('edits') do
  call('northwind', 'Extension.EditExtension', { name: 'Žofie Ångström', ID: line })
  told = call('northwind', 'Extension.GetExtensionDetails', { ID: line })
  "#{told.name}|#{told.company}"
end
step('number') do
  free = list(call('northwind', 'Channel.GetPublicNoPoll', { userID: 20 }).publicNo.available)[0].iD
  call('northwind', 'Channel.AssignPublicNo', { didID: [free], userID: line })
  poll = call('northwind', 'Channel.GetPublicNoPoll', { userID: line }).publicNo
  gone = call('northwind', 'Extension.DelExtension', { ID: [line] })
  "#{list(poll.assigned)[0].externalNo} #{gone.items}"
end
step('limits') do
  first, second = %w[first second].map { |each| call('acme', 'Client.AddClient', { **profile, login: "#{TAG}-#{each}" }).iD }
  flags = { true => 'true', false => 'false' }
  limit = lambda do |name, text, flag|
    made = SOAP::SOAPElement.new(name, text.to_s)
    made.extraattr[XSD::QName.new(nil, 'unlimited')] = flags[flag]
    made
  end
  call('acme', 'Client.SetClientPL', { phoneExtMax: limit.('phoneExtMax', 0, true), queueExtMax: limit.('queueExtMax', 3, false), ID: first })
  found = call('acme', 'Client.GetClientPL', { ID: first }).userPL
  "#{found.phoneExtMax.xmlattr_unlimited} #{found.queueExtMax}"
end
step('deletes') { call('acme', 'Client.DelClient', { ID: [first, second] }).items }
step('fault') { fault { call('acme', 'Client.AddClient', { **profile, login: 'northwind' }) } }
step('password') { fault { call('acme', 'Client.GetClients', {}, 'not-it') } }
