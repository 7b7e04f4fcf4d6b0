// What init says when it has ended well.
#include "keyserver/setup/initialise.hpp"

namespace nae::setup {

std::string report_of(const Choices& choices, const Made& made) {
  std::string text;
  if (!made.taken_back.empty())
    text += "an earlier init was interrupted at its step '" + made.taken_back +
            "'; what it had made is removed\n";
  text += "initialised " + choices.directory.string() + " (server id " + made.server_id +
          ")\n  configuration  " + made.configuration.string() + "\n  address        " +
          made.address + "\n  admin profile  " + made.admin_profile.string() +
          "   (move it to the administrator's machine)\n  custody        " +
          made.custody_file.string() + "   (" + std::to_string(made.k) + " of " +
          std::to_string(made.holders.size()) + " cards open it; into every backup)\n";
  if (!made.software_card.empty())
    text += "  software card  " + made.software_card.string() +
            "   (move card.pem and passphrase to two safe places)\n";
  return text + "next: nae-keyserver run --config " + made.configuration.string() + "\n";
}

}  // namespace nae::setup
