// The life, for Node: what is asked and what is printed. The toolkit hands over how it makes a call.
'use strict';

const line = (value) => String(value).replace(/\s+/g, ' ').trim();
const list = (found) => (found === undefined || found === null ? [] : [].concat(found));

async function step(name, made) {
  try {
    console.log(`${name}=${line(await made())}`);
  } catch (problem) {
    console.log(`${name}!${line(problem.message ?? problem)}`);
  }
}

// `call(user, operation, fields, password)` gives the answer, and throws an error with the text of a fault.
// `limit(text, flag)` makes a limit; `told(limit)` gives [text, attribute] of one.
async function live(tag, call, limit, told) {
  const known = {};
  const logins = (answer) => list(answer.client).map((each) => each.login).join(',');
  const fault = async (made) => made().then(() => 'no fault', (problem) => problem.message);
  const profile = { name: 'Cleo Client', company: 'Cleo Ltd', password: 'Pass-2025', country: 'us' };
  await step('lists', async () => logins(await call('admin', 'Client.GetClients', { parentID: 10 })));
  await step('empty', async () => logins(await call('acme', 'Client.GetClients', undefined)));
  await step('adds', async () => {
    const answer = await call('northwind', 'Extension.AddExtension', {
      name: 'Zoë Łukasz', company: 'Söhne & Co <1>', login: tag, password: 'Pass-2025', country: 'us', parentID: 20 });
    known.line = answer.ID;
    return answer.result;
  });
  await step('edits', async () => {
    await call('northwind', 'Extension.EditExtension', { name: 'Žofie Ångström', ID: known.line });
    const answer = await call('northwind', 'Extension.GetExtensionDetails', { ID: known.line });
    return `${answer.name}|${answer.company}`;
  });
  await step('number', async () => {
    let poll = await call('northwind', 'Channel.GetPublicNoPoll', { userID: 20 });
    const free = list(poll.publicNo.available)[0].ID;
    await call('northwind', 'Channel.AssignPublicNo', { didID: [free], userID: known.line });
    poll = await call('northwind', 'Channel.GetPublicNoPoll', { userID: known.line });
    const gone = await call('northwind', 'Extension.DelExtension', { ID: [known.line] });
    return `${list(poll.publicNo.assigned)[0].externalNo} ${gone.items}`;
  });
  await step('limits', async () => {
    for (const each of ['first', 'second']) {
      known[each] = (await call('acme', 'Client.AddClient', { ...profile, login: `${tag}-${each}` })).ID;
    }
    const limits = { phoneExtMax: limit(0, true), queueExtMax: limit(3, false) };
    await call('acme', 'Client.SetClientPL', { ...limits, ID: known.first });
    const found = (await call('acme', 'Client.GetClientPL', { ID: known.first })).userPL;
    return `${told(found.phoneExtMax)[1]} ${told(found.queueExtMax)[0]}`;
  });
  await step('deletes', async () => (await call('acme', 'Client.DelClient', { ID: [known.first, known.second] })).items);
  await step('fault', () => fault(() => call('acme', 'Client.AddClient', { ...profile, login: 'northwind' })));
  await step('password', () => fault(() => call('acme', 'Client.GetClients', undefined, 'not-it')));
}

module.exports = { live, step };
