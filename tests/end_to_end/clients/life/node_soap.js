// The life with node-soap. Arguments: address, tag. Modules are looked for in the folder that it is started in.
'use strict';
const { createRequire } = require('module');
const soap = createRequire(`${process.cwd()}/`)('soap');
const { live, step } = require('./life.js');

const [base, tag] = process.argv.slice(2);
const clients = {};

async function call(user, operation, fields, password) {
  const [service, name] = operation.split('.');
  clients[service] ??= await soap.createClientAsync(`${base}/soap2/schema/latest/${service}/${service}.wsdl`);
  const client = clients[service];
  client.clearSoapHeaders();
  const login = { userCredentials: { username: user, password: password ?? `${user}-secret` } };
  client.addSoapHeader(login, '', 'login', 'http://4psa.com/HeaderData.xsd/2.5.1');
  try {
    return (await client[`${name}Async`](fields))[0];
  } catch (error) {
    throw new Error(error.root?.Envelope?.Body?.Fault?.faultstring ?? error.message);
  }
}

(async () => {
  await step('loads', async () => {
    const url = `${base}/soap2/schema/latest/Extension/Extension.wsdl`;
    return (await soap.createClientAsync(url)).AddExtension ? 'yes' : 'no';
  });
  await live(tag, call, (text, flag) => ({ attributes: { unlimited: flag }, $value: text }),
    (each) => [each.$value, each.attributes.unlimited]);
})();
