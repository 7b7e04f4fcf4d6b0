"""The same shop on Django: shop_django.py PORT HOST SCHEMA. Forms, the object mapper, sessions in a table, and a log of every request."""
import json
import os
import socketserver
import sys
import types
import wsgiref.simple_server

import django
from django.conf import settings

port, host, schema = sys.argv[1:]
shop = sys.modules["shop"] = types.ModuleType("shop")  # the application that the models of this file belong to
shop.__path__ = [os.path.dirname(os.path.abspath(__file__))]
settings.configure(
    SECRET_KEY="of the test", ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["shop", "django.contrib.sessions"], MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "HOST": host, "USER": "shop_web", "NAME": "nae_test",
                           "OPTIONS": {"options": f"-c search_path={schema}"}}})
django.setup()
from django import forms  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.http import HttpResponse, HttpResponseNotAllowed, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402


class Customer(models.Model):
    name = models.CharField(max_length=80)
    card = models.TextField()
    note = models.TextField(null=True)

    class Meta:
        app_label, db_table, managed = "shop", "customer", False


class SignUp(forms.Form):
    name = forms.CharField(max_length=80)
    card = forms.CharField()
    note = forms.CharField(required=False)


SENT = []


def seen(view):
    """Logs what came, and keeps it in memory and in the session, as careless applications do."""
    def wrapped(request, **names):
        print(request.method, request.get_full_path(), dict(request.headers), request.body, flush=True)
        SENT.extend((request.get_full_path(), request.body))
        request.session["sent"] = [*request.session.get("sent", []), request.body.decode()]
        return view(request, **names)
    return wrapped


@seen
def sign_up(request):
    form = SignUp(request.POST)
    if request.method != "POST" or not form.is_valid():
        return JsonResponse({"error": form.errors}, status=422)
    return HttpResponse(status=303, headers={"Location": f"/customers/{Customer.objects.create(**form.cleaned_data).id}"})


@seen
def sign_up_by_json(request):
    return JsonResponse({"id": Customer.objects.create(**json.loads(request.body)).id}, status=201)


@seen
def search(request):
    found = Customer.objects.filter(card=request.GET["card"]).order_by("id")
    return JsonResponse(list(found.values("id", "name")), safe=False)


@seen
def page(request, number):
    customer = Customer.objects.filter(id=number).defer("card", "note").first()
    return HttpResponse(f"<h1>{customer.name}</h1>") if customer else HttpResponse("<h1>Nobody</h1>", status=404)


@seen
def edit(request, number):
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    changed = Customer.objects.filter(id=number).update(**{name: request.POST[name] for name in ("card", "note") if name in request.POST})
    return JsonResponse({"changed": changed}, status=200 if changed else 404)


@seen
def show(request, number):
    customer = Customer.objects.filter(id=number).values("id", "name", "card", "note").first()
    return JsonResponse(customer, status=200 if customer else 404, safe=False)


urlpatterns = [path("signup", sign_up), path("api/customers", sign_up_by_json), path("customers", search), path("customers/<int:number>", page),
               path("customers/<int:number>/edit", edit), path("api/customers/<int:number>", show)]


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


if __name__ == "__main__":
    if Session._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(Session)
    wsgiref.simple_server.make_server("127.0.0.1", int(port), get_wsgi_application(), Server).serve_forever()
