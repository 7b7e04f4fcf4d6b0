// A message's header as its bytes on the wire (RFC 9112 section 2.1), in one piece: Beast's own
// serializer hands a list of parts to each call of the kernel, walked again by every layer in
// between, and its fields take an allocation each.
#pragma once

#include <string>
#include <string_view>

namespace nae::gateway {

// Names and values hold no line ends: they are what a parser has read, or our own.
class HeaderText {
 public:
  static HeaderText of_request(std::string_view method, std::string_view target);
  static HeaderText of_answer(unsigned status, std::string_view reason);

  void add(std::string_view name, std::string_view value);
  void add(std::string_view name, std::size_t number);
  // With the empty line after it.
  std::string finish() &&;

 private:
  std::string text_;
};

}  // namespace nae::gateway
