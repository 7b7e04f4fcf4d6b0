#include "keyserver/policy/document.hpp"

#include <algorithm>

namespace nae::policy {
namespace {

template <class T>
const T* find(const std::vector<T>& list, std::string_view name) {
  auto found = std::ranges::find(list, name, &T::name);
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

const Device* Document::device(std::string_view name) const {
  return find(devices, name);
}
const Program* Document::program(std::string_view name) const {
  return find(programs, name);
}
const Issuer* Document::issuer(std::string_view name) const {
  return find(issuers, name);
}

bool uses_key(Action action) {
  return action != Action::hash && action != Action::random;
}

}  // namespace nae::policy
