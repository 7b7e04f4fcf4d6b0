#include "keyserver/operations/form.hpp"

#include "keyserver/operations/asked.hpp"
#include "libnae/base/algorithm.hpp"

namespace nae::operations {
namespace {

enum class Part : std::uint8_t { never, may, must };

struct Form {
  Part key;
  Part algorithm;  // never: 0 alone
  Part seconds;
  Part aad;
};

// Without a default: an action that is added does not compile before it has its form. Those that
// nobody serves are answered so, whatever they carry.
Form form_of(const CryptoRequest& asked) {
  if (names_cipher_mode(asked)) {
    const auto mode = static_cast<CipherMode>(asked.algorithm);
    return {Part::must, Part::must, find_row(mode)->most_iv_bytes > 0 ? Part::must : Part::never,
            mode == CipherMode::aes_gcm ? Part::may : Part::never};
  }
  switch (asked.action) {
    case Action::encrypt:
      return {Part::must, Part::may, Part::never, Part::may};
    case Action::decrypt:
      if (decrypts_by_scheme(asked) && find_row(static_cast<DecryptionScheme>(asked.algorithm)))
        return {Part::must, Part::must, Part::never, Part::may};
      [[fallthrough]];
    case Action::rewrap:
      return {Part::may, Part::never, Part::never, Part::may};
    case Action::sign:
    case Action::mac:
    case Action::search:
      return {Part::must, Part::may, Part::never, Part::never};
    case Action::verify:
      return {Part::must, Part::may, Part::must, Part::never};
    case Action::derive:
      return {Part::must, Part::never, Part::never, Part::never};
    case Action::mac_verify:
      return {Part::must, Part::never, Part::must, Part::never};
    case Action::hash:
      return {Part::never, Part::must, Part::never, Part::never};
    case Action::random:
      return {Part::never, Part::never, Part::never, Part::never};
    case Action::wrap:
    case Action::unwrap:
    case Action::export_key:
    case Action::manage:
      break;
  }
  return {Part::may, Part::may, Part::may, Part::may};
}

bool fits(Part part, bool is_there) {
  return part == Part::may || (part == Part::must) == is_there;
}

std::string wrong(Action action, Part part, std::string_view what) {
  return std::string(name(action)) + (part == Part::must ? " needs " : " takes no ") +
         std::string(what);
}

}  // namespace

Result<void> check_form(const CryptoRequest& asked) {
  const Form form = form_of(asked);
  if (!fits(form.key, !asked.key.empty()))
    return fail(Code::invalid_argument, wrong(asked.action, form.key, "key"));
  if (!fits(form.algorithm, asked.algorithm != 0))
    return fail(Code::unsupported, wrong(asked.action, form.algorithm, "algorithm"));
  if (!fits(form.seconds, !asked.seconds.empty()))
    return fail(Code::invalid_argument,
                wrong(asked.action, form.seconds,
                      names_cipher_mode(asked) ? "IV an item" : "signature or code an item"));
  if (!fits(form.aad, !asked.aad.empty()))
    return fail(Code::invalid_argument, wrong(asked.action, form.aad, "associated data"));
  return {};
}

}  // namespace nae::operations
