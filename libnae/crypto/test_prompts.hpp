// For tests: whether OpenSSL asks somebody for a passphrase.
#pragma once

#include <openssl/ui.h>

#include <string>

namespace nae::crypto {

// In the place of the terminal while it lives: answers nobody's question, and counts them.
class PromptProbe {
 public:
  PromptProbe() : method_(UI_create_method("probe")), before_(UI_get_default_method()) {
    asked_ = 0;
    UI_method_set_opener(method_, [](UI*) { return ++asked_, 0; });
    UI_set_default_method(method_);
  }
  ~PromptProbe() {
    UI_set_default_method(before_);
    UI_destroy_method(method_);
  }
  PromptProbe(const PromptProbe&) = delete;
  PromptProbe& operator=(const PromptProbe&) = delete;
  int asked() const { return asked_; }

  // A PEM block of that label which says that it is encrypted.
  static std::string encrypted_block(const std::string& label) {
    return "-----BEGIN " + label +
           "-----\nProc-Type: 4,ENCRYPTED\n"
           "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END " +
           label + "-----\n";
  }

 private:
  inline static int asked_ = 0;
  UI_METHOD* method_;
  const UI_METHOD* before_;
};

}  // namespace nae::crypto
