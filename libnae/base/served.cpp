#include "libnae/base/served.hpp"

namespace nae {

bool is_served(Action action) {
  switch (action) {
    case Action::encrypt:
    case Action::decrypt:
    case Action::sign:
    case Action::verify:
    case Action::mac:
    case Action::mac_verify:
    case Action::hash:
    case Action::random:
    case Action::rewrap:
    case Action::search:
    case Action::derive:
      return true;
    case Action::wrap:
    case Action::unwrap:
    case Action::export_key:
    case Action::manage:
      return false;
  }
  return false;
}

}  // namespace nae
