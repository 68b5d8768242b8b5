// The life with strong-soap. Arguments: address, tag. Modules are looked for in the folder that it is started in.
'use strict';
const { createRequire } = require('module');
const { soap } = createRequire(`${process.cwd()}/`)('strong-soap');
const { live, step } = require('./life.js');

const [base, tag] = process.argv.slice(2);
const clients = {};

const made = (service) => new Promise((resolve, reject) => {
  const url = `${base}/soap2/schema/latest/${service}/${service}.wsdl`;
  soap.createClient(url, {}, (error, client) => (error ? reject(error) : resolve(client)));
});

async function call(user, operation, fields, password) {
  const [service, name] = operation.split('.');
  const client = (clients[service] ??= await made(service));
  client.clearSoapHeaders();
  const qname = { nsURI: 'http://4psa.com/HeaderData.xsd/2.5.1', name: 'userCredentials', prefix: 'h' };
  client.addSoapHeader({ username: user, password: password ?? `${user}-secret` }, qname);
  const asked = fields === undefined ? undefined : { [`${name}Request`]: fields };
  try {
    const { result } = await client[name](asked);
    return result;
  } catch (error) {
    throw new Error(error.root?.Envelope?.Body?.Fault?.faultstring ?? error.message);
  }
}

(async () => {
  await step('loads', async () => ((await made('Extension')).AddExtension ? 'yes' : 'no'));
  await live(tag, call, (text, flag) => ({ $attributes: { unlimited: flag }, $value: text }),
    (each) => [each.$value, each.$attributes.unlimited]);
})();
