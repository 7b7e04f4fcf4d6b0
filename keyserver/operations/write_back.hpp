// What must not be written: values that were read as policy shows them to this role, and envelopes.
#pragma once

#include <optional>

#include "keyserver/operations/request.hpp"

namespace nae::operations {

// A value that is an envelope of a key of ours: encrypting it again would hide it behind two keys,
// and is how double encryption creeps into tables. The key id decides; shape alone could be chance.
bool is_own_envelope(const keys::KeyRing& ring, ByteView value);

// Says of values that they must not be written: they were read as policy shows them to this role.
class WriteBack {
 public:
  // What policy says of reading with the key that is to encrypt.
  explicit WriteBack(Request& request);

  std::optional<Code> refusal(ByteView value) const;

 private:
  const keys::KeyRing& ring_;
  const policy::Decision& read_;
};

}  // namespace nae::operations
