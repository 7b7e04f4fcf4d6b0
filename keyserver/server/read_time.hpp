// ReadTime: the time that a store keeps, for a key server that does not write it.
#pragma once

#include "keyserver/keys/time_keeper.hpp"

namespace nae::server {

class ReadTime final : public keys::TimeKeeper {
 public:
  explicit ReadTime(keys::TimeKeeper& kept) : kept_(kept) {}
  Result<std::optional<keys::KeptTime>> kept_time() override { return kept_.kept_time(); }
  Result<void> keep_time(const keys::KeptTime&) override { return {}; }

 private:
  keys::TimeKeeper& kept_;
};

}  // namespace nae::server
