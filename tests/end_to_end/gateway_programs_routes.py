"""Routes, rules, roles and tables of the shops in gateway_programs/."""
import end_users

COLUMN = 'key = "customer-card"\ncontext = "shop"\ndeterministic = true\n'


def fields(kind, required):
    return f"""
[[route.field]]
{kind[0]} = "{kind[1]}card"
action = "encrypt"
normalization = "digits"
required = {str(required).lower()}
{COLUMN}
[[route.field]]
{kind[0]} = "{kind[1]}note"
action = "encrypt"
key = "customer-pii"
"""


ROUTES = f"""
[[route]]
name = "sign-up"
path = "/signup"
role = "shop-web"
{fields(("form", ""), True)}
[[route]]
name = "sign-up-by-json"
path = "/api/customers"
role = "shop-web"
{fields(("json", "/"), True)}
[[route]]
name = "edit"
path = "/customers/*/edit"
role = "shop-web"
{fields(("form", ""), False)}
[[route]]
name = "search"
methods = ["GET"]
path = "/customers"
role = "shop-web"
[[route.field]]
query = "card"
action = "encrypt"
normalization = "digits"
{COLUMN}
[[route]]
name = "show"
methods = ["GET"]
path = "/api/customers/*"
role = "shop-web"
user_token = "bearer"
[[route.answer]]
json = "$.card"
action = "reveal"
{COLUMN}
[[route.answer]]
json = "$.note"
action = "reveal"
key = "customer-pii"
"""
RULES = end_users.RULES + """
[[rule]]
name = "letters-are-written-by-the-note"
roles = ["letters"]
databases = ["nae_test"]
programs = ["postgres"]
keys = ["customer-pii"]
actions = ["decrypt"]
result = "value"
"""
ROLES = """
CREATE ROLE shop_web LOGIN;
ALTER ROLE shop_web SET nae.accept_ciphertext = on;
ALTER ROLE shop_web SET nae.transparent = off;
CREATE ROLE back_office;
CREATE ROLE support;
CREATE ROLE letters;
"""


def table(schema, card, note):
    """The same table, of these types."""
    return f"""
CREATE SCHEMA {schema};
CREATE TABLE {schema}.customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, card {card} NOT NULL, note {note});
CREATE INDEX ON {schema}.customer (card);
GRANT USAGE ON SCHEMA {schema} TO shop_web, back_office, support, letters;
GRANT CREATE ON SCHEMA {schema} TO shop_web;
GRANT SELECT, INSERT, UPDATE ON {schema}.customer TO shop_web;
GRANT SELECT ON {schema}.customer TO back_office, support, letters;
"""
