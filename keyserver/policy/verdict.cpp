#include "keyserver/policy/verdict.hpp"

namespace nae::policy {

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::deny:
      return "deny";
    case Verdict::null:
      return "null";
    case Verdict::ciphertext:
      return "ciphertext";
    case Verdict::masked:
      return "masked";
    case Verdict::value:
      return "value";
  }
  return "deny";
}

}  // namespace nae::policy
