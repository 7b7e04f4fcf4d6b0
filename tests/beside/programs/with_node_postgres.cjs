// What applications do with node-postgres: with_node_postgres.cjs HOST SCHEMA. One line for each answer.
const { Client, Pool } = require('pg');
const [host, schema] = process.argv.slice(2);
const options = { host, user: 'nae_all', database: 'nae_test', options: `-c search_path=${schema},public -c timezone=UTC` };
const COLUMNS = 'ssn, name, email, age, balance, born, seen, vip, ref, doc';
const ROW = ['new-1', 'Zoë', 'zoe@example.org', 41, '10.50', '1983-02-01', new Date(Date.UTC(2024, 1, 29, 12, 30)), true, '00000000-0000-0000-0000-000000000007', { a: [1, 'x'] }];

async function main() {
  const client = new Client(options);
  await client.connect();
  const tell = async (query, values) => {
    const answer = await client.query(query, values);
    console.log(JSON.stringify([answer.fields.map((f) => [f.name, f.dataTypeID]), answer.rowCount, answer.rows]));
  };
  await tell(`INSERT INTO customer (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id, ${COLUMNS}`, ROW);
  await tell(`SELECT ${COLUMNS} FROM customer WHERE ssn = $1 AND age > $2 AND seen <= $3 AND vip = $4`, ['new-1', 40, ROW[6], true]);
  await tell('SELECT name FROM customer WHERE ssn = ANY($1) ORDER BY age', [['canary-7f3a-1', 'new-1']]);
  await tell('SELECT vip, count(*), avg(balance) FROM customer GROUP BY vip ORDER BY vip');
  await tell('UPDATE customer SET doc = doc || $1, age = age + $2 WHERE ssn = $3 RETURNING doc, age', [{ b: 2 }, 1, 'new-1']);
  for (let n = 0; n < 8; n++) await tell({ name: 'by-ssn', text: 'SELECT name, born FROM customer WHERE ssn = $1', values: [`canary-7f3a-${n}`] });
  await tell({ text: 'SELECT name, age, doc FROM customer WHERE ssn = $1', values: ['new-1'], rowMode: 'array' });
  for (const [query, values] of [['INSERT INTO customer (ssn) VALUES ($1)', ['new-1']], ['INSERT INTO customer (age) VALUES ($1)', ['none']]]) {
    try { await tell(query, values); } catch (error) { console.log(error.code, error.constraint); }
  }
  await client.query('BEGIN');
  await tell('DELETE FROM customer WHERE age > $1', [30]);
  await client.query('ROLLBACK');
  await client.end();
  const pool = new Pool({ ...options, max: 4 });
  const answers = await Promise.all([...Array(40).keys()].map((n) => pool.query('SELECT name, balance FROM customer WHERE ssn = $1', [`canary-7f3a-${n}`])));
  console.log(JSON.stringify(answers.map((a) => a.rows)));
  await pool.end();
}
main().catch((error) => { console.error(error); process.exit(1); });
