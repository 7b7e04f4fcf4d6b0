#include "keyserver/protocols/http/http_message.hpp"

#include "keyserver/admin/api/problem.hpp"

namespace nae::http {

HttpResponse problem(const Error& error, unsigned http_status) {
  HttpResponse response;
  response.status = http_status ? http_status : row(error.code).http_status;
  response.content_type = admin::api::kProblemType;
  response.body = admin::api::problem_to_json(error, response.status);
  return response;
}

HttpResponse allowed_methods(std::string methods) {
  HttpResponse response;
  response.content_type = "text/plain; charset=utf-8";
  response.allow = std::move(methods);
  return response;
}

}  // namespace nae::http
