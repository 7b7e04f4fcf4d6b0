// The everyday life of an application on Knex, its migration included: with_knex.cjs HOST SCHEMA.
const [host, schema] = process.argv.slice(2);
const secret = schema === 'secret';
const knex = require('knex')({
  client: 'pg', connection: { host, user: 'nae_all', database: 'nae_test', options: '-c timezone=UTC' }, searchPath: [schema, 'public'], pool: { min: 0, max: 3 },
});
const tell = (what, answer) => console.log(what, JSON.stringify(answer));

async function main() {
  await knex.schema.createTable('account', (table) => {
    table.increments('id');
    secret ? table.specificType('iban', "nae.enc_det_text('customer-ssn')").unique() : table.text('iban').unique();
    secret ? table.specificType('owner', "nae.enc_text('customer-pii')").notNullable() : table.text('owner').notNullable();
    secret ? table.specificType('amount', "nae.enc_numeric('customer-pii')") : table.decimal('amount', null);
    secret ? table.specificType('tags', "nae.enc_jsonb('customer-pii')") : table.jsonb('tags');
    table.timestamp('created_at').notNullable().defaultTo('2024-01-01T00:00:00Z');
  });
  await knex.schema.createTable('transfer', (table) => {
    table.increments('id');
    table.integer('account_id').notNullable().references('account.id').onDelete('CASCADE');
    secret ? table.specificType('memo', "nae.enc_text('customer-pii')") : table.text('memo');
  });
  await knex.schema.alterTable('account', (table) => {
    secret ? table.specificType('phone', "nae.enc_text('customer-pii')") : table.text('phone');
    table.index(['created_at']);
  });
  tell('insert', await knex('account').insert({ iban: 'DE01', owner: 'Zoë', amount: '10.50', tags: { vip: true } }).returning('*'));
  tell('rows', await knex('account').insert([...Array(30).keys()].map((n) => ({ iban: `FR${n}`, owner: `owner ${n}`, amount: n * 1.5, phone: n % 2 ? `+33${n}` : null })), ['id']));
  tell('batch', (await knex.batchInsert('transfer', [...Array(60).keys()].map((n) => ({ account_id: 1 + (n % 20), memo: `memo ${n}` })), 25)).length);
  tell('where', await knex('account').where({ iban: 'DE01' }).first());
  tell('like', await knex('account').whereILike('owner', '%OWNER 1%').orderBy('owner').limit(5).pluck('owner'));
  tell('in', await knex('account').whereIn('iban', ['FR1', 'FR3', 'none']).orderBy('iban', 'desc').select('iban', 'amount'));
  tell('between', await knex('account').whereBetween('amount', [3, 9]).whereNotNull('phone').count('* as n').sum('amount as s').first());
  tell('join', await knex('account as a').join('transfer as t', 't.account_id', 'a.id').where('t.memo', 'like', 'memo 4%').select('a.owner', 't.memo').orderBy('t.memo'));
  tell('group', await knex('account').select(knex.raw('length(owner) AS letters')).count('*').groupByRaw('length(owner)').orderBy('letters'));
  tell('with', await knex.with('rich', knex('account').where('amount', '>', 30)).select('owner').from('rich').union(knex('account').select('owner').where('iban', 'DE01')).orderBy('owner'));
  tell('sub', await knex('account').whereIn('id', knex('transfer').select('account_id').where('memo', 'memo 7')).select('owner'));
  tell('update', await knex('account').where('iban', 'DE01').update({ amount: knex.raw('amount + ?', [5]), tags: JSON.stringify({ vip: false }) }, ['amount', 'tags']));
  tell('increment', await knex('account').where('iban', 'FR1').increment('amount', 2));
  tell('merge', await knex('account').insert({ iban: 'FR1', owner: 'merged' }).onConflict('iban').merge(['owner']).returning(['owner', 'amount']));
  tell('ignore', await knex('account').insert({ iban: 'FR1', owner: 'ignored' }).onConflict('iban').ignore().returning('id'));
  await knex.transaction(async (t) => { await t('account').where('amount', '<', 20).del(); throw new Error('undone'); }).catch((error) => tell('rollback', error.message));
  tell('locked', await knex.transaction((t) => t('account').where('iban', 'FR2').forUpdate().first('owner')));
  const stream = knex('account').select('owner').orderBy('id').stream();
  let streamed = 0;
  for await (const row of stream) streamed += row.owner.length;
  tell('stream', streamed);
  await knex('account').insert({ iban: 'FR1', owner: 'twice' }).catch((error) => tell('unique', [error.code, error.constraint]));
  tell('deleted', await knex('account').where('owner', 'merged').del());
  tell('cascaded', await knex('transfer').count('* as n').first());
  tell('columns', Object.keys(await knex('account').columnInfo()).sort());
  await knex.schema.dropTable('transfer');
  await knex.schema.dropTable('account');
}
main().then(() => knex.destroy()).catch((error) => { console.error(error); process.exit(1); });
