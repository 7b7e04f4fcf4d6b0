#!/usr/bin/python3 -B
"""The everyday life of an application on Django, its tables made by its schema editor: with_django.py HOST SCHEMA."""
import datetime
import decimal
import os
import sys
import types
import uuid

import django
from django.conf import settings

host, schema = sys.argv[1:]
shop = sys.modules["shop"] = types.ModuleType("shop")  # the application that the models of this file belong to
shop.__path__ = [os.path.dirname(__file__)]
settings.configure(USE_TZ=True, TIME_ZONE="UTC", DEFAULT_AUTO_FIELD="django.db.models.AutoField", INSTALLED_APPS=["shop"],
                   DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "HOST": host, "USER": "nae_all", "NAME": "nae_test",
                                          "OPTIONS": {"options": f"-c search_path={schema},public"}}})
django.setup()
from django.db import IntegrityError, connection, models, transaction  # noqa: E402
from django.db.models import Avg, Case, Count, Exists, F, Max, OuterRef, Q, Sum, Value, When  # noqa: E402
from django.db.models.functions import Coalesce, Length, Lower, TruncMonth, Upper  # noqa: E402


def encrypted(field, kind, key="customer-pii"):
    """That field with an encrypted type in the database: all that a model has to say."""
    if schema == "plain":
        return field
    return type(f"Encrypted{field.__name__}", (field,), {"db_type": lambda self, connection: f"nae.{kind}('{key}')"})


class Person(models.Model):
    ssn = encrypted(models.CharField, "enc_det_text", "customer-ssn")(max_length=20, unique=True)
    name = encrypted(models.CharField, "enc_text")(max_length=80)
    note = encrypted(models.TextField, "enc_text")(default="")
    age = encrypted(models.IntegerField, "enc_int4")(null=True)
    salary = encrypted(models.DecimalField, "enc_numeric")(max_digits=12, decimal_places=2, null=True)
    born = encrypted(models.DateField, "enc_date")(null=True)
    seen = encrypted(models.DateTimeField, "enc_timestamptz")(null=True)
    vip = encrypted(models.BooleanField, "enc_bool")(default=False)
    ref = encrypted(models.UUIDField, "enc_det_uuid", "customer-ssn")(null=True)
    doc = encrypted(models.JSONField, "enc_jsonb")(default=dict)

    class Meta:
        app_label, db_table, ordering = "shop", "person", ["id"]


class Visit(models.Model):
    person = models.ForeignKey(Person, models.CASCADE, related_name="visits")
    reason = encrypted(models.CharField, "enc_text")(max_length=80)

    class Meta:
        app_label, db_table = "shop", "visit"


def tell(what, answer):
    print(what, list(answer) if isinstance(answer, models.QuerySet) else answer)


with connection.schema_editor() as editor:
    editor.create_model(Person)
    editor.create_model(Visit)
people = Person.objects
zoe = people.create(ssn="1", name="Zoë", age=41, salary=decimal.Decimal("10.50"), born=datetime.date(1983, 2, 1), vip=True, ref=uuid.UUID(int=7),
                    seen=datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc), doc={"a": [1, "x"], "b": {"c": "d"}})
people.bulk_create([Person(ssn=f"bulk-{n}", name=f"Person {n % 7}", age=20 + n, salary=decimal.Decimal(25 * n).scaleb(-2), born=datetime.date(1970 + n, 1 + n % 12, 1),
                           doc={"n": n}) for n in range(40)], batch_size=15)
Visit.objects.bulk_create([Visit(person_id=zoe.id + n % 5, reason=f"reason {n % 3}") for n in range(30)])
tell("values", people.filter(ssn="1").values())
tell("get", (lambda p: (p.name, p.salary, p.born, p.seen, p.vip, p.ref, p.doc))(people.get(ref=uuid.UUID(int=7))))
for lookup in ({"name__startswith": "Person 1"}, {"name__icontains": "ZO"}, {"name__iexact": "person 2"}, {"name__regex": "^P.*3$"}, {"age__gt": 55}, {"age__range": (30, 33)},
               {"age__in": [21, 22, 99]}, {"salary__lte": decimal.Decimal("1.25")}, {"born__year": 1983}, {"born__month__gte": 11}, {"seen__date": datetime.date(2024, 2, 29)},
               {"vip": True}, {"salary__isnull": True}, {"doc__b__c": "d"}, {"doc__n__gt": 35}, {"doc__has_key": "a"}, {"doc__contains": {"n": 3}},
               {"ssn__in": ["1", "bulk-3", "none"]}, {"visits__reason": "reason 1", "name": "Zoë"}):
    tell(lookup, people.filter(**lookup).distinct().values_list("ssn", flat=True))
tell("or", people.filter(Q(name="Zoë") | ~Q(age__lt=58)).exclude(ssn="bulk-39").values_list("ssn", "age"))
tell("order", people.order_by("-salary", "name").values_list("name", "salary")[3:8])
tell("first", (people.order_by("born").first().ssn, people.latest("born").ssn, people.filter(name="none").exists(), people.count()))
tell("aggregate", people.aggregate(Avg("age"), Max("born"), Sum("salary"), Count("name", distinct=True)))
tell("group", people.values("name").annotate(n=Count("id"), s=Sum("salary")).filter(n__gt=2).order_by("-s"))
tell("annotate", people.annotate(low=Lower("name"), letters=Length("name"), old=Case(When(age__gt=50, then=Value("old")), default=Value("young")),
                                 some=Coalesce("salary", Value(decimal.Decimal(0)))).filter(letters=3).values_list("low", "letters", "old", "some"))
tell("months", people.annotate(month=TruncMonth("born")).values("month").annotate(n=Count("id")).order_by("month")[:3])
tell("exists", people.filter(Exists(Visit.objects.filter(person=OuterRef("pk"), reason="reason 2"))).values_list("ssn", flat=True))
tell("expression", people.filter(salary__gt=F("age") / 6).annotate(up=Upper("name")).values_list("up", flat=True)[:3])
tell("related", [(v.person.name, v.reason) for v in Visit.objects.select_related("person").filter(person__age__gte=40).order_by("id")[:4]])
tell("prefetch", [(p.name, sorted(v.reason for v in p.visits.all())) for p in people.prefetch_related("visits").filter(id__lte=zoe.id + 2)])
tell("update", people.filter(age__gt=50).update(salary=F("salary") + 1, note="raised"))
some = list(people.filter(note="raised"))
for person in some:
    person.name, person.doc = person.name + "!", {**person.doc, "raised": True}
people.bulk_update(some, ["name", "doc"])
tell("bulk_update", people.filter(name__endswith="!", doc__raised=True).count())
tell("or create", [(p.age, made) for p, made in (people.get_or_create(ssn="1", defaults={"age": 1}), people.get_or_create(ssn="2", defaults={"name": "two", "age": 2}),
                                                 people.update_or_create(ssn="2", defaults={"age": 3}))])
zoe.refresh_from_db()
zoe.age += 1
zoe.save(update_fields=["age"])
with transaction.atomic():
    tell("locked", people.select_for_update().filter(ssn="1").values_list("age", flat=True))
try:
    with transaction.atomic():
        people.create(ssn="1", name="twice")
except IntegrityError as error:
    tell("unique", error.__cause__.pgcode)
try:
    with transaction.atomic():
        people.all().delete()
        raise RuntimeError("undone")
except RuntimeError:
    tell("rollback", people.count())
tell("iterator", sum(p.age or 0 for p in people.iterator(chunk_size=10)))
tell("raw", [p.name for p in people.raw("SELECT * FROM person WHERE name LIKE %s ORDER BY id LIMIT 2", ["Person 1%"])])
tell("union", people.filter(age=41).values_list("name").union(people.filter(ssn="2").values_list("name")).order_by("name"))
tell("window", people.annotate(rank=models.Window(models.functions.Rank(), order_by=F("salary").desc(nulls_last=True))).values_list("ssn", "rank")[:3])
tell("delete", people.filter(name="Zoë").delete())
with connection.schema_editor() as editor:
    field = encrypted(models.CharField, "enc_text")(max_length=9, default="new", null=True)
    field.set_attributes_from_name("added")
    editor.add_field(Person, field)
    editor.remove_field(Person, field)
    editor.delete_model(Visit)
    editor.delete_model(Person)
