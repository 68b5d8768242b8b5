// The life of a phone line as a Node program leads it, with the `soap` package and the WSDL of each service.
// Arguments: a template of the WSDL's address with {service} in it, the tag of the login. A fact a line.
'use strict';
const soap = require('soap');

const [template, tag] = process.argv.slice(2);
const space = 'http://4psa.com/HeaderData.xsd/2.5.1';
const clients = {};

const fact = (name, value) => console.log(`${name}=${value}`);

async function call(login, name, fields) {
  const [service, operation] = name.split('.');
  clients[service] ??= await soap.createClientAsync(template.replaceAll('{service}', service));
  const client = clients[service];
  client.clearSoapHeaders();
  client.addSoapHeader({ userCredentials: { username: login, password: `${login}-secret` } }, '', 'login', space);
  const [answer, , headers] = await client[`${operation}Async`](fields);
  return { ...answer, headers };
}

(async () => {
  const who = 'northwind';
  const listed = await call(who, 'Client.GetClients', {});
  const client = listed.client[0].ID;
  fact('clients', listed.client.length);
  fact('client', client);
  fact('version', listed.headers.serverInfo.version);
  const poll = await call(who, 'Channel.GetPublicNoPoll', { userID: client });
  const number = poll.publicNo.available[0].ID;
  const profile = { name: 'Lina Line', company: 'Northwind & Sons', country: 'us' };
  const added = await call(who, 'Extension.AddExtension',
    { ...profile, login: tag, password: 'Pass-2025', parentID: client });
  const line = added.ID;
  fact('added', added.result);
  const assigned = await call(who, 'Channel.AssignPublicNo', { didID: [number], userID: line });
  fact('assigned', assigned.result);
  const found = await call(who, 'Extension.GetExtensions', { filter: tag, parentID: client });
  fact('found', found.extension.length);
  fact('same', String(found.extension[0].ID) === String(line) && found.extension[0].login === tag);
  fact('edited', (await call(who, 'Extension.EditExtension', { name: 'Lina Longline', ID: line })).result);
  const status = { status: true, phoneStatus: 16, ID: line };
  fact('set', (await call(who, 'Extension.SetExtensionStatus', status)).result);
  const told = await call(who, 'Extension.GetExtensionDetails', { ID: line });
  fact('name', told.name);
  fact('company', told.company);
  fact('type', told.extensionType);
  fact('account', (await call(who, 'Account.SetAccountStatus', { status: true, phoneStatus: 1, ID: line })).result);
  fact('plan', (await call(who, 'Billing.GetChargingPlans', { userID: client })).chargingPlan[0].name);
  fact('queues', (await call(who, 'Report.QuickStats', { userID: client })).extensions.queue.total);
  fact('zone', (await call(who, 'PBX.GetTimezone', { code: 'gb' })).timezone[0].name);
  const operation = { identifier: 'mine', package: Buffer.from('<GetClientsRequest/>').toString('base64') };
  const ran = await call(who, 'GlobalOp.LinkedOp', { operation: [operation] });
  fact('linked', `${ran.processedOp} ${ran.operation[0].result}`);
  fact('resellers', (await call('admin', 'Reseller.GetResellers', {})).reseller.length);
  fact('deleted', (await call(who, 'Extension.DelExtension', { ID: [line] })).items);
  try {
    await call(who, 'Extension.GetExtensionDetails', { ID: line });
    fact('gone', false);
  } catch (error) {
    fact('gone', error.root.Envelope.Body.Fault.faultstring.includes('100'));
  }
})().catch((error) => {
  console.error(error.root?.Envelope?.Body?.Fault ?? error.message);
  process.exit(1);
});
