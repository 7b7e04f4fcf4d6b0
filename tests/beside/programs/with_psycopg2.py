#!/usr/bin/python3 -B
"""What applications do with psycopg 2: with_psycopg2.py HOST SCHEMA. One line for each answer."""
import datetime
import decimal
import io
import sys
import uuid

import psycopg2
import psycopg2.extras
from psycopg2.extras import Json

host, schema = sys.argv[1:]
psycopg2.extras.register_uuid()
connection = psycopg2.connect(host=host, user="nae_all", dbname="nae_test", options=f"-c search_path={schema},public -c timezone=UTC")
cursor = connection.cursor()
ROW = ("new-1", "Zoë", "zoe@example.org", 41, decimal.Decimal("10.50"), datetime.date(1983, 2, 1),
       datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc), True, uuid.UUID(int=7), Json({"a": [1, "x"]}))
COLUMNS = "ssn, name, email, age, balance, born, seen, vip, ref, doc"


def tell(query, values=None):
    cursor.execute(query, values)
    print([(c.name, c.type_code) for c in cursor.description], cursor.fetchall())


tell(f"INSERT INTO customer ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id, {COLUMNS}", ROW)
tell(f"SELECT {COLUMNS} FROM customer WHERE ssn = %s AND ref = %s AND born > %s AND doc ->> 'a' IS NOT NULL", ("new-1", uuid.UUID(int=7), datetime.date(1980, 1, 1)))
tell("SELECT name, age FROM customer WHERE ssn = ANY(%s) ORDER BY age DESC", (["canary-7f3a-1", "canary-7f3a-2", "new-1"],))
tell("SELECT name FROM customer WHERE name ILIKE %s ORDER BY name LIMIT 3 OFFSET 2", ("%NAME 1%",))
tell("SELECT vip, count(*), avg(balance), string_agg(name, '; ' ORDER BY name) FROM customer WHERE age BETWEEN %s AND %s GROUP BY vip ORDER BY vip", (22, 30))
psycopg2.extras.execute_values(cursor, "INSERT INTO customer (ssn, name, age) VALUES %s", [(f"many-{n}", f"many {n}", n) for n in range(250)])
psycopg2.extras.execute_batch(cursor, "UPDATE customer SET age = age + %s WHERE ssn = %s", [(1, f"many-{n}") for n in range(20)])
tell("SELECT sum(age), count(*) FROM customer WHERE ssn LIKE 'many-%%'", ())
cursor.copy_expert("COPY customer (ssn, name, age) FROM STDIN (FORMAT csv)", io.StringIO("".join(f"copied-{n},\"a, {n}\",{n}\n" for n in range(20))))
out = io.StringIO()
cursor.copy_expert("COPY (SELECT name, age FROM customer WHERE ssn LIKE 'copied-%' ORDER BY age) TO STDOUT (FORMAT csv)", out)
print(out.getvalue())
connection.commit()
with connection.cursor("named") as named:
    named.itersize = 50
    named.execute("SELECT name, age FROM customer WHERE age IS NOT NULL ORDER BY age, name")
    print(sum(1 for _ in named))
connection.commit()
for statement, values in (("INSERT INTO customer (ssn) VALUES (%s)", ("new-1",)), ("INSERT INTO customer (age) VALUES (%s)", ("none",))):
    cursor.execute("SAVEPOINT s")
    try:
        cursor.execute(statement, values)
    except psycopg2.Error as error:
        print(error.pgcode, error.diag.constraint_name)
        cursor.execute("ROLLBACK TO s")
with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as named:
    named.execute("DELETE FROM customer WHERE ssn LIKE 'many-%' AND age % 2 = 0 RETURNING name")
    print(sorted(row["name"] for row in named))
connection.rollback()
tell("SELECT count(*) FROM customer")
