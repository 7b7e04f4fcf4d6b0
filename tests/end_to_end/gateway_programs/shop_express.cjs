// A shop on Express and node-postgres that knows no key: shop_express.cjs PORT HOST SCHEMA. It logs every request whole and keeps
// what it was sent in its memory and its sessions, as careless applications do.
"use strict";
const express = require("express");
const session = require("express-session");
const { Pool } = require("pg");

const [port, host, schema] = process.argv.slice(2);
const pool = new Pool({ host, user: "shop_web", database: "nae_test", options: `-c search_path=${schema}`, max: 4 });
const app = express();
const sent = [];
app.use(express.urlencoded({ extended: true }), express.json({ limit: "1mb" }));
app.disable("x-powered-by");
// What everybody may have needs no session.
let made = 0;
app.get("/catalogue", (request, response) => response.set("Cache-Control", "public, max-age=600").json({ made: ++made }));
app.use(session({ secret: "of the test", resave: false, saveUninitialized: false }));
app.use((request, response, next) => {
  console.log(request.method, request.originalUrl, JSON.stringify(request.headers), JSON.stringify(request.body));
  request.session.sent = [...(request.session.sent ?? []), request.body];
  sent.push(request.originalUrl, request.body);
  next();
});
const handled = (work) => (request, response, next) => work(request, response).catch(next);
const insert = async ({ name, card, note }) =>
  (await pool.query("INSERT INTO customer (name, card, note) VALUES ($1, $2, $3) RETURNING id", [name, card, note])).rows[0].id;

app.post("/signup", handled(async (request, response) => response.redirect(303, `/customers/${await insert(request.body)}`)));
app.post("/api/customers", handled(async (request, response) => response.status(201).json({ id: await insert(request.body) })));
app.get("/customers", handled(async (request, response) => {
  const { rows } = await pool.query("SELECT id, name FROM customer WHERE card = $1 ORDER BY id", [request.query.card]);
  response.json(rows);
}));
app.get("/customers/:id", handled(async (request, response) => {
  const { rows } = await pool.query("SELECT name FROM customer WHERE id = $1", [request.params.id]);
  if (rows.length === 0) return response.status(404).send("<h1>Nobody</h1>");
  return response.send(`<h1>${rows[0].name}</h1>`);
}));
app.post("/customers/:id/edit", handled(async (request, response) => {
  const names = ["card", "note"].filter((name) => name in request.body);
  const done = await pool.query(`UPDATE customer SET ${names.map((name, at) => `${name} = $${at + 2}`).join(", ")} WHERE id = $1`,
    [request.params.id, ...names.map((name) => request.body[name])]);
  response.status(done.rowCount === 1 ? 200 : 404).json({ changed: done.rowCount });
}));
app.get("/api/customers/:id", handled(async (request, response) => {
  const { rows } = await pool.query("SELECT id, name, card, note FROM customer WHERE id = $1", [request.params.id]);
  response.status(rows.length === 1 ? 200 : 404).json(rows[0] ?? null);
}));
app.use((error, request, response, next) => {
  console.error(error);
  response.status(error.status ?? 500).json({ error: error.code ?? "failed" });
});
app.listen(Number(port), "127.0.0.1");
