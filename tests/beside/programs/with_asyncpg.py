#!/usr/bin/python3 -B
"""What applications do with asyncpg, which asks for the types of everything: with_asyncpg.py HOST SCHEMA."""
import asyncio
import datetime
import decimal
import sys
import uuid

import asyncpg

COLUMNS = ("ssn", "name", "email", "age", "balance", "born", "seen", "vip", "ref", "doc")
ROW = ("new-1", "Zoë", "zoe@example.org", 41, decimal.Decimal("10.50"), datetime.date(1983, 2, 1),
       datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc), True, uuid.UUID(int=7), '{"a": [1, "x"]}')


async def main(host, schema):
    connection = await asyncpg.connect(host=host, user="nae_all", database="nae_test", server_settings={"search_path": f"{schema},public", "timezone": "UTC"})

    async def tell(query, *values):
        statement = await connection.prepare(query)
        print([kind.name for kind in statement.get_parameters()], [(a.name, a.type.name) for a in statement.get_attributes()],
              [tuple(row) for row in await statement.fetch(*values)])

    names = ", ".join(COLUMNS)
    await tell(f"INSERT INTO customer ({names}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id, {names}", *ROW)
    await tell(f"SELECT {names} FROM customer WHERE ssn = $1 AND ref = $2 AND born > $3 AND balance <= $4 AND vip = $5", "new-1", ROW[8], ROW[5] - datetime.timedelta(1), ROW[4], True)
    await tell("SELECT name FROM customer WHERE ssn = ANY($1) AND age = ANY($2) ORDER BY name", ["canary-7f3a-1", "canary-7f3a-2", "new-1"], [21, 22, 41])
    await tell("UPDATE customer SET balance = balance * $1, doc = jsonb_set(doc, '{b}', $2) WHERE ssn = $3 RETURNING balance, doc", decimal.Decimal(2), '"x"', "new-1")
    await tell("INSERT INTO customer (ssn, age) VALUES ($1, $2) ON CONFLICT (ssn) DO UPDATE SET age = coalesce(EXCLUDED.age, $2) + $2 RETURNING age", "new-1", 5)
    await tell("SELECT c.name, count(*), sum(p.price) FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE p.price > $1 GROUP BY c.id ORDER BY 3 DESC LIMIT $2", decimal.Decimal("50.5"), 5)
    await connection.executemany("INSERT INTO customer (ssn, name, age) VALUES ($1, $2, $3)", [(f"many-{n}", f"many {n}", n) for n in range(250)])
    await connection.copy_records_to_table("customer", columns=("ssn", "name", "age", "born", "balance"),
                                           records=[(f"copied-{n}", f"copied {n}", n, datetime.date(2000, 1, 1), decimal.Decimal(n)) for n in range(50)])
    await tell("SELECT count(*), sum(age), sum(balance), min(born) FROM customer WHERE name LIKE $1", "copied%")
    async with connection.transaction():
        print([row["age"] async for row in connection.cursor("SELECT age FROM customer WHERE ssn LIKE 'many-%' ORDER BY age", prefetch=20)][::40])
    for n in range(12):  # the plan becomes a generic one on the way
        value = await connection.fetchval("SELECT name FROM customer WHERE ssn = $1", f"many-{n}")
        print(value)
    for statement, values in (("INSERT INTO customer (ssn) VALUES ($1)", ("new-1",)), ("SELECT 1 / (age - age) FROM customer WHERE ssn = $1", ("new-1",))):
        try:
            await connection.execute(statement, *values)
        except asyncpg.PostgresError as error:
            print(type(error).__name__, error.sqlstate, getattr(error, "constraint_name", None))
    transaction = connection.transaction()
    await transaction.start()
    print(await connection.execute("DELETE FROM customer WHERE age > $1", 100))
    await transaction.rollback()
    await tell("SELECT count(*) FROM customer")
    await connection.close()


asyncio.run(main(*sys.argv[1:]))
