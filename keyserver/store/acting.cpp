#include "keyserver/store/acting.hpp"

#include <utility>

namespace nae::store {
namespace {

thread_local std::string acting;

}  // namespace

// An approved request is done inside the approver's call, as its requester.
Acting::Acting(std::string who) : before_(std::exchange(acting, std::move(who))) {}

Acting::~Acting() {
  acting = std::move(before_);
}

const std::string& Acting::who() {
  return acting;
}

}  // namespace nae::store
