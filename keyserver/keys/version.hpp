// One generation of a key: its state, its secret and what is planned for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyserver/keys/usage.hpp"
#include "libnae/base/bytes.hpp"

namespace nae::keys {

// Values stand in the store. NIST SP 800-57 part 1 section 7 names the same stages.
enum class State : std::uint8_t {
  pre_active = 1,
  active = 2,
  restricted = 3,  // decrypt, verify, mac-verify and the reading half of rewrap only
  retired = 4,     // nothing, until restored to restricted
  destroyed = 5,   // nothing, ever; the material is gone
};

// What the HSM made: secret material leaves it only wrapped.
struct Material {
  Bytes wrapped;             // AES-KWP (RFC 5649) under the group key; empty for a token object
  std::string token_object;  // CKA_LABEL of an object that the module cannot wrap: not portable
  Bytes public_key;          // SubjectPublicKeyInfo DER of a key pair, else empty
};

// Where a secret was made first. Values stand in the store.
enum class Origin : std::uint8_t {
  unknown = 0,    // by a server that did not write it down
  generated = 1,  // in the HSM, and never outside
  imported = 2,   // elsewhere: others may have it
};
std::string_view name(Origin origin);  // "imported"
std::optional<Origin> origin_from_name(std::string_view name);
std::optional<Origin> origin_from_number(std::int64_t number);

// What the HSM says of a version: keys/binding.hpp. Empty in rows of a server that did not bind.
struct Binding {
  Origin origin = Origin::unknown;
  Bytes check_value = {};  // the same for the same secret; stays when that is destroyed
  Bytes signature = {};    // by the HSM's ServerKey::binding
};

// A change of state that the key server makes by itself. docs/spec/keys.md, "Schedule".
struct Step {
  State state{};
  std::int64_t at_us = 0;  // Unix time
  // Of State::destroyed: nor before TrustedTime::steady_us() says so. 0: that does not matter.
  std::int64_t steady_us = 0;
  friend bool operator==(const Step&, const Step&) = default;
};

struct Version {
  std::uint16_t number = 0;  // from 1
  State state = State::active;
  std::int64_t created_at_us = 0;  // Unix time
  Material material = {};
  std::int64_t changed_at_us = 0;   // when it came into `state`; 0: when it was created
  std::vector<Step> schedule = {};  // ascending by date, each state at most once
  VersionUsagePointer usage = {};   // the ring sets it
  Binding binding = {};
  // X.509: the public key's own, then those above it, DER one behind the other; empty: none.
  Bytes certificates = {};
};

// The versions of one key, shared between the copies of the key that readers hold: a rotation of a
// key with thousands of versions copies pointers, no material.
class Versions {
 public:
  class Iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = Version;
    using difference_type = std::ptrdiff_t;
    using pointer = const Version*;
    using reference = const Version&;

    Iterator() = default;
    explicit Iterator(const std::shared_ptr<const Version>* at) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    reference operator[](difference_type n) const { return *at_[n]; }
    Iterator& operator++() { return ++at_, *this; }
    Iterator operator++(int) { return Iterator(at_++); }
    Iterator& operator--() { return --at_, *this; }
    Iterator operator--(int) { return Iterator(at_--); }
    Iterator& operator+=(difference_type n) { return at_ += n, *this; }
    Iterator& operator-=(difference_type n) { return at_ -= n, *this; }
    friend Iterator operator+(Iterator i, difference_type n) { return i += n; }
    friend Iterator operator+(difference_type n, Iterator i) { return i += n; }
    friend Iterator operator-(Iterator i, difference_type n) { return i -= n; }
    friend difference_type operator-(Iterator a, Iterator b) { return a.at_ - b.at_; }
    friend auto operator<=>(const Iterator&, const Iterator&) = default;

   private:
    const std::shared_ptr<const Version>* at_ = nullptr;
  };

  Versions() = default;
  Versions(std::initializer_list<Version> versions) {
    for (const Version& version : versions) push_back(version);
  }

  Iterator begin() const { return Iterator(shared_.data()); }
  Iterator end() const { return Iterator(shared_.data() + shared_.size()); }
  std::reverse_iterator<Iterator> rbegin() const { return std::reverse_iterator(end()); }
  std::reverse_iterator<Iterator> rend() const { return std::reverse_iterator(begin()); }
  const Version& operator[](std::size_t index) const { return *shared_[index]; }
  const Version& front() const { return *shared_.front(); }
  const Version& back() const { return *shared_.back(); }
  std::size_t size() const { return shared_.size(); }
  bool empty() const { return shared_.empty(); }

  void push_back(Version version) {
    shared_.push_back(std::make_shared<const Version>(std::move(version)));
  }
  void pop_back() { shared_.pop_back(); }
  void clear() { shared_.clear(); }
  // Puts `version` in the place of the one at `index`; who holds that one keeps it as it was.
  void replace(std::size_t index, Version version) {
    shared_[index] = std::make_shared<const Version>(std::move(version));
  }

 private:
  std::vector<std::shared_ptr<const Version>> shared_;
};

}  // namespace nae::keys
