// The HSM as the configuration names it.
#pragma once

#include "keyserver/config/config.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"

namespace nae::server {

inline hsm::Options hsm_options(const config::Config& config) {
  hsm::Options options;
  options.module = config.hsm.module;
  options.module_parameters = config.hsm.module_parameters;
  options.token_label = config.hsm.token_label;
  options.pin_file = config.hsm.pin_file;
  options.group_key_label = config.hsm.group_key_label;
  return options;
}

}  // namespace nae::server
