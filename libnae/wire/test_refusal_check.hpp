// What every parser of a message must refuse, for the tests of all of them.
#pragma once

#include <gtest/gtest.h>

#include "libnae/base/bytes.hpp"
#include "libnae/wire/limits.hpp"

namespace nae::wire {

// The body of an encoded frame.
inline ByteView body_of(ByteView frame) {
  return frame.subspan(kFrameHeaderBytes);
}

// `parse` takes `body` whole, and refuses it cut at every byte and with a byte more. The cut body
// is a copy of its own, so that the address sanitizer sees a read past its end.
template <class Parse>
void expect_whole_only(ByteView body, Parse parse) {
  EXPECT_TRUE(parse(body).has_value());
  for (std::size_t size = 0; size < body.size(); ++size) {
    Bytes cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
    auto result = parse(ByteView(cut));
    EXPECT_FALSE(result.has_value()) << "cut to " << size << " of " << body.size() << " bytes";
  }
  Bytes longer(body.begin(), body.end());
  longer.push_back(0);
  EXPECT_FALSE(parse(ByteView(longer)).has_value());
}

}  // namespace nae::wire
