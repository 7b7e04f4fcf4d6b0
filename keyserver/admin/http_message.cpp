#include "keyserver/admin/http_message.hpp"

#include "keyserver/admin/api/problem.hpp"

namespace nae::admin {

HttpResponse problem(const Error& error, unsigned http_status) {
  HttpResponse response;
  response.status = http_status ? http_status : row(error.code).http_status;
  response.content_type = api::kProblemType;
  response.body = api::problem_to_json(error, response.status);
  return response;
}

}  // namespace nae::admin
