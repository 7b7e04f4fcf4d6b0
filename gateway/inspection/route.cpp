#include "gateway/inspection/route.hpp"

#include <algorithm>

#include "gateway/inspection/ascii.hpp"
#include "libnae/base/text.hpp"

namespace nae::gateway {
namespace {

// The host without a port, and without the point of a fully qualified name.
std::string host_name(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) host = host.substr(0, colon);
  if (host.ends_with('.')) host.remove_suffix(1);
  return in_lower_case(host);
}

bool takes_host(const Route& route, std::string_view host) {
  return route.hosts.empty() ||
         std::ranges::find(route.hosts, host_name(host)) != route.hosts.end();
}

bool takes_path(const Route& route, std::string_view host, std::string_view path) {
  return takes_host(route, host) && glob_match(route.path, path);
}

}  // namespace

bool Route::takes_method(std::string_view method) const {
  const auto names = [&](std::string_view asked) {
    return std::ranges::find(methods, asked) != methods.end();
  };
  // What answers GET answers HEAD.
  return methods.empty() || names(method) || (method == "HEAD" && names("GET"));
}

std::string Field::label() const {
  switch (place) {
    case Place::json:
      return "json " + selector.text();
    case Place::form:
    case Place::part:
      return "form " + name;
    case Place::query:
      return "query " + name;
    case Place::header:
      return "header " + name;
  }
  return name;
}

bool Route::looks_into_query() const {
  return !detectors.empty() || std::ranges::any_of(fields, [](const Field& field) {
    return field.place == Place::query;
  });
}

Result<RouteTable> RouteTable::make(std::vector<Route> routes) {
  for (std::size_t i = 0; i < routes.size(); ++i)
    for (std::size_t other = 0; other < i; ++other)
      if (routes[i].name == routes[other].name)
        return fail(Code::config_invalid, "two routes have the name '" + routes[i].name + "'");
  RouteTable table;
  table.routes_ = std::move(routes);
  return table;
}

const Route* RouteTable::find(std::string_view host, std::string_view method,
                              std::string_view path) const {
  for (const Route& route : routes_)
    if (route.takes_method(method) && takes_path(route, host, path)) return &route;
  return nullptr;
}

bool RouteTable::look_into_query() const {
  return std::ranges::any_of(routes_, &Route::looks_into_query);
}

bool RouteTable::claims_elsewhere(std::string_view method, std::string_view path) const {
  return std::ranges::any_of(routes_, [&](const Route& route) {
    return route.takes_method(method) && glob_match(route.path, path);
  });
}

bool RouteTable::claims_path(std::string_view path) const {
  return std::ranges::any_of(routes_,
                             [&](const Route& route) { return glob_match(route.path, path); });
}

}  // namespace nae::gateway
