// Attributes: a template of PKCS#11 attributes that owns its values, all but secret ones.
#pragma once

#include <p11-kit/pkcs11.h>

#include <deque>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "libnae/base/bytes.hpp"

namespace nae::pkcs11 {

class Attributes {
 public:
  Attributes& flag(CK_ATTRIBUTE_TYPE type, bool value) {
    const CK_BBOOL byte = value ? CK_TRUE : CK_FALSE;
    return bytes(type, {&byte, 1});
  }
  Attributes& number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
    return bytes(type, {reinterpret_cast<const Byte*>(&value), sizeof value});
  }
  Attributes& text(CK_ATTRIBUTE_TYPE type, std::string_view value) {
    return bytes(type, as_bytes(value));
  }
  Attributes& bytes(CK_ATTRIBUTE_TYPE type, ByteView value) {
    values_.emplace_back(value.begin(), value.end());  // a deque: earlier values stay in place
    attributes_.push_back({type, values_.back().data(), values_.back().size()});
    return *this;
  }
  // Not copied, so that it stays in locked memory alone; `value` outlives this.
  Attributes& secret(CK_ATTRIBUTE_TYPE type, ByteView value) {
    attributes_.push_back({type, const_cast<Byte*>(value.data()), value.size()});
    return *this;
  }
  Attributes& numbers(CK_ATTRIBUTE_TYPE type, const std::vector<CK_ULONG>& values) {
    return bytes(type,
                 {reinterpret_cast<const Byte*>(values.data()), values.size() * sizeof(CK_ULONG)});
  }
  // A template within the template; `inner` outlives this.
  Attributes& nested(CK_ATTRIBUTE_TYPE type, Attributes& inner) {
    attributes_.push_back({type, inner.data(), inner.size() * sizeof(CK_ATTRIBUTE)});
    return *this;
  }
  // None of the named uses: modules grant what a template leaves out.
  Attributes& none_of(std::initializer_list<CK_ATTRIBUTE_TYPE> uses) {
    for (CK_ATTRIBUTE_TYPE use : uses) flag(use, false);
    return *this;
  }

  CK_ATTRIBUTE* data() { return attributes_.data(); }
  CK_ULONG size() const { return attributes_.size(); }

 private:
  std::deque<Bytes> values_;
  std::vector<CK_ATTRIBUTE> attributes_;
};

}  // namespace nae::pkcs11
