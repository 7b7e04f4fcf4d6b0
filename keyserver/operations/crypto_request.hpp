// CryptoRequest: what is asked of keys, as values. Protocols translate their messages to it;
// nothing here knows how it came.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "libnae/base/action.hpp"
#include "libnae/base/action_form.hpp"
#include "libnae/base/bytes.hpp"

namespace nae::operations {

// Views of bytes that whoever asks keeps until the answer is there. What `algorithm` selects, by
// action: of encrypt an EncryptForm, of mac a MacForm, of sign, verify and hash as
// docs/spec/wire.md says.
struct CryptoRequest {
  Action action{};
  std::uint8_t algorithm = 0;
  std::string_view key;        // empty where the items name their keys: decrypt, rewrap;
                               // encrypt and blind indexes also take `name:version`
  std::uint64_t query_id = 0;  // PostgreSQL's, for the audit; 0 = none
  std::uint32_t count = 0;     // of items; also where they were not read
  std::span<const ByteView> items;
  std::span<const ByteView> seconds;  // verify and mac-verify: the signature or code of each item
  std::span<const ByteView> aad;      // none, one for all items, or one an item

  ByteView aad_of(std::uint32_t item) const {
    return aad.empty() ? ByteView() : aad[aad.size() > 1 ? item : 0];
  }
  std::size_t data_bytes() const {
    std::size_t bytes = 0;
    for (const ByteView item : items) bytes += item.size();
    return bytes;
  }
};

}  // namespace nae::operations
