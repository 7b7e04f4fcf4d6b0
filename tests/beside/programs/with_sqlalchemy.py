#!/usr/bin/python3 -B
"""The everyday life of an application on SQLAlchemy, its tables made from its models: with_sqlalchemy.py HOST SCHEMA."""
import datetime
import decimal
import sys
import uuid

from sqlalchemy import (Boolean, Column, Date, DateTime, ForeignKey, Integer, Numeric, Text, case, create_engine, delete, exists, func, insert, inspect, select, update)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, aliased, declarative_base, joinedload, relationship, selectinload

host, schema = sys.argv[1:]
engine = create_engine(f"postgresql+psycopg2://nae_all@/nae_test?host={host}", connect_args={"options": f"-c search_path={schema},public -c timezone=UTC"})
Base = declarative_base()


def encrypted(kind, encrypted_kind, key="customer-pii", **options):
    """A column's type: the plaintext's to the application, an encrypted one in CREATE TABLE."""
    if schema == "plain":
        return kind(**options)
    made = type(f"Encrypted{encrypted_kind}", (kind,), {"cache_ok": True})
    compiles(made, "postgresql")(lambda element, compiler, **_: f"nae.{encrypted_kind}('{key}')")
    return made(**options)


class Person(Base):
    __tablename__ = "member"
    id = Column(Integer, primary_key=True)
    ssn = Column(encrypted(Text, "enc_det_text", "customer-ssn"), unique=True)
    name = Column(encrypted(Text, "enc_text"), nullable=False)
    age = Column(encrypted(Integer, "enc_int4"))
    salary = Column(encrypted(Numeric, "enc_numeric"))
    born = Column(encrypted(Date, "enc_date"))
    seen = Column(encrypted(DateTime, "enc_timestamptz", timezone=True))
    vip = Column(encrypted(Boolean, "enc_bool"), default=False)
    ref = Column(encrypted(UUID, "enc_det_uuid", "customer-ssn", as_uuid=True))
    doc = Column(encrypted(JSONB, "enc_jsonb"))
    loans = relationship("Loan", back_populates="person", cascade="all, delete-orphan")


class Loan(Base):
    __tablename__ = "loan"
    id = Column(Integer, primary_key=True)
    person_id = Column(ForeignKey("member.id"), nullable=False)
    book = Column(encrypted(Text, "enc_text"))
    person = relationship("Person", back_populates="loans")


def tell(what, answer):
    print(what, answer)


Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Person(ssn="1", name="Zoë", age=41, salary=decimal.Decimal("10.50"), born=datetime.date(1983, 2, 1), vip=True, ref=uuid.UUID(int=7),
                       seen=datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc), doc={"a": [1, "x"]}, loans=[Loan(book="Sense"), Loan(book="Emma")]))
    session.add_all(Person(ssn=f"many-{n}", name=f"Person {n % 7}", age=20 + n, salary=decimal.Decimal(n) / 4, born=datetime.date(1970 + n, 1, 1), doc={"n": n},
                           loans=[Loan(book=f"book {n % 3}")]) for n in range(40))
    session.commit()

    def rows(what, statement):
        tell(what, [tuple(row) for row in session.execute(statement)])

    zoe = session.execute(select(Person).where(Person.ref == uuid.UUID(int=7))).scalar_one()
    tell("loaded", (zoe.name, zoe.age, zoe.salary, zoe.born, zoe.seen, zoe.vip, zoe.ref, zoe.doc, sorted(loan.book for loan in zoe.loans)))
    rows("like", select(Person.ssn).where(Person.name.like("Person 1%"), Person.age > 30).order_by(Person.id))
    rows("ilike", select(Person.ssn).where(Person.name.ilike("%ZO%") | Person.ssn.in_(["many-3", "none"])).order_by(Person.ssn))
    rows("between", select(func.count(), func.sum(Person.salary), func.min(Person.born)).where(Person.salary.between(2, decimal.Decimal("7.5"))))
    rows("group", select(Person.name, func.count(), func.avg(Person.age)).group_by(Person.name).having(func.count() > 1).order_by(Person.name))
    rows("case", select(Person.ssn, case((Person.age > 55, "old"), else_="young")).order_by(Person.age.desc()).limit(3))
    rows("join", select(Person.name, Loan.book).join(Loan).where(Loan.book == "Emma"))
    rows("exists", select(func.count()).select_from(Person).where(exists().where(Loan.person_id == Person.id, Loan.book == "book 1")))
    other = aliased(Person)
    rows("self join", select(Person.ssn, other.ssn).join(other, (Person.name == other.name) & (Person.age < other.age)).order_by(Person.age, other.age).limit(4))
    rows("json", select(Person.doc["n"].astext).where(Person.doc["n"].astext.cast(Integer) > 37).order_by(Person.id))
    rows("functions", select(func.upper(Person.name), func.length(Person.name), func.date_trunc("year", Person.born), func.coalesce(Person.salary, 0) + 1).where(Person.ssn == "1"))
    rows("window", select(Person.ssn, func.rank().over(order_by=Person.salary.desc())).order_by(Person.salary.desc()).limit(3))
    rows("cte", select(func.count()).select_from(select(Person.name).where(Person.age > 40).cte("old")))
    rows("distinct", select(Person.name).distinct().order_by(Person.name))
    tell("eager", [(p.name, len(p.loans)) for p in session.execute(select(Person).options(selectinload(Person.loans)).where(Person.age < 23).order_by(Person.id)).scalars()])
    tell("joined", [loan.person.name for loan in session.execute(select(Loan).options(joinedload(Loan.person)).order_by(Loan.id).limit(4)).scalars()])
    zoe.age, zoe.doc = zoe.age + 1, {"changed": True}
    session.flush()
    session.expire(zoe)
    tell("changed", (zoe.age, zoe.doc))
    tell("update", session.execute(update(Person).where(Person.age > 50).values(salary=Person.salary * 2).execution_options(synchronize_session=False)).rowcount)
    rows("returning", insert(Person).values(ssn="2", name="two").returning(Person.ssn, Person.name, Person.vip))
    added = upsert(Person).values(ssn="2", name="three", age=3)
    rows("upsert", added.on_conflict_do_update(index_elements=[Person.ssn], set_={"name": added.excluded.name, "age": func.coalesce(Person.age, 0) + added.excluded.age}).returning(Person.name, Person.age))
    session.commit()
    try:
        with session.begin_nested():
            session.execute(insert(Person).values(ssn="1", name="twice"))
    except IntegrityError as error:
        tell("unique", (error.orig.pgcode, error.orig.diag.constraint_name))
    session.execute(delete(Loan).where(Loan.book.like("book%")).execution_options(synchronize_session=False))
    session.rollback()
    tell("rollback", session.execute(select(func.count()).select_from(Loan)).scalar())
    tell("stream", sum(p.age or 0 for p in session.execute(select(Person).execution_options(yield_per=10)).scalars()))
    tell("locked", session.execute(select(Person.name).where(Person.ssn == "1").with_for_update()).scalar())
    session.delete(zoe)
    session.commit()
    tell("deleted", session.execute(select(func.count()).select_from(Loan)).scalar())
tell("inspected", sorted(column["name"] for column in inspect(engine).get_columns("loan")))
Base.metadata.drop_all(engine)
