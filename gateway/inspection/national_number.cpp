#include "gateway/inspection/national_number.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "gateway/inspection/ascii.hpp"

namespace nae::gateway {
namespace {

bool is_of_word(char c) {
  return is_digit(c) || is_letter(c);
}

bool is_between_groups(char c) {
  return c == ' ' || c == '-' || c == '.' || c == '/';
}

bool are_figures(std::string_view text) {
  return std::ranges::all_of(text, is_digit);
}

std::uint64_t number_of(std::string_view figures) {
  std::uint64_t number = 0;
  for (const char c : figures) number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

// Whether a run of words that begins and ends where words do has `size` letters (in upper case) and
// figures for which `is_one` holds.
template <class Check>
bool has_run(std::string_view text, std::size_t size, const Check& is_one) {
  std::string run;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!is_of_word(text[at]) || (at > 0 && is_of_word(text[at - 1]))) continue;
    run.clear();
    for (std::size_t i = at; i < text.size() && run.size() < size; ++i) {
      if (is_of_word(text[i])) {
        run += is_digit(text[i]) ? text[i] : static_cast<char>(text[i] & ~0x20);
        const bool ends = i + 1 == text.size() || !is_of_word(text[i + 1]);
        if (ends && run.size() == size && is_one(run)) return true;
      } else if (!is_between_groups(text[i]) || !is_of_word(text[i - 1])) {
        break;
      }
    }
  }
  return false;
}

bool is_de_tax_id(std::string_view run) {
  if (!are_figures(run) || run[0] == '0') return false;
  // Of the first ten one figure stands two or three times, and the others once at most.
  std::array<unsigned, 10> times{};
  for (const char c : run.substr(0, 10)) ++times[static_cast<std::size_t>(c - '0')];
  const auto repeated = std::ranges::count_if(times, [](unsigned count) { return count > 1; });
  if (repeated != 1 || *std::ranges::max_element(times) > 3) return false;
  unsigned product = 10;
  for (const char c : run.substr(0, 10)) {
    const unsigned sum = (static_cast<unsigned>(c - '0') + product) % 10;
    product = (sum == 0 ? 10 : sum) * 2 % 11;
  }
  return (11 - product) % 10 == static_cast<unsigned>(run[10] - '0');
}

bool is_fr_nir(std::string_view run) {
  std::string body(run.substr(0, 13));
  if (body.substr(5, 2) == "2A") body.replace(5, 2, "19");
  if (body.substr(5, 2) == "2B") body.replace(5, 2, "18");
  const std::string_view key = run.substr(13);
  // 3 and 4, 7 and 8: numbers that are given for a while.
  constexpr std::string_view kFirst = "123478";
  return are_figures(body) && are_figures(key) && kFirst.find(body[0]) != kFirst.npos &&
         97 - number_of(body) % 97 == number_of(key);
}

bool is_es_dni(std::string_view run) {
  constexpr std::string_view kLetters = "TRWAGMYFPDXBNJZSQVHLCKE";
  std::string body(run.substr(0, 8));
  if (body[0] >= 'X' && body[0] <= 'Z') body[0] = static_cast<char>(body[0] - 'X' + '0');
  return are_figures(body) && run[8] == kLetters[number_of(body) % kLetters.size()];
}

bool is_ch_ahv(std::string_view run) {
  if (!are_figures(run) || !run.starts_with("756")) return false;
  unsigned sum = 0;
  for (std::size_t i = 0; i < run.size(); ++i)
    sum += static_cast<unsigned>(run[i] - '0') * (i % 2 == 0 ? 1 : 3);
  return sum % 10 == 0;
}

// HMRC gives no numbers with these letters in front.
bool is_uk_nino(std::string_view run) {
  constexpr std::string_view kNever[] = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"};
  constexpr std::string_view kNeverFirst = "DFIQUV", kNeverSecond = "DFIOQUV";
  const std::string_view prefix = run.substr(0, 2);
  return !are_figures(prefix.substr(0, 1)) && !are_figures(prefix.substr(1)) &&
         kNeverFirst.find(prefix[0]) == kNeverFirst.npos &&
         kNeverSecond.find(prefix[1]) == kNeverSecond.npos &&
         std::ranges::find(kNever, prefix) == std::end(kNever) && are_figures(run.substr(2, 6)) &&
         run[8] >= 'A' && run[8] <= 'D';
}

// 20 CFR 422: no 000, 666 or 9 in front, no group 00, no serial 0000.
bool is_us_ssn(std::string_view text) {
  const char between = text[3];
  if ((between != '-' && between != ' ') || text[6] != between) return false;
  const std::string_view area = text.substr(0, 3), group = text.substr(4, 2);
  const std::string_view serial = text.substr(7);
  return are_figures(area) && are_figures(group) && are_figures(serial) && area != "000" &&
         area != "666" && area[0] != '9' && group != "00" && serial != "0000";
}

}  // namespace

bool has_us_ssn(std::string_view text) {
  constexpr std::size_t kSize = 11;
  for (std::size_t at = 0; at + kSize <= text.size(); ++at) {
    const bool begins = at == 0 || !is_of_word(text[at - 1]);
    const bool ends = at + kSize == text.size() || !is_of_word(text[at + kSize]);
    if (begins && ends && is_us_ssn(text.substr(at, kSize))) return true;
  }
  return false;
}

bool has_uk_nino(std::string_view text) {
  return has_run(text, 9, is_uk_nino);
}

bool has_de_tax_id(std::string_view text) {
  return has_run(text, 11, is_de_tax_id);
}

bool has_fr_nir(std::string_view text) {
  return has_run(text, 15, is_fr_nir);
}

bool has_es_dni(std::string_view text) {
  return has_run(text, 9, is_es_dni);
}

bool has_ch_ahv(std::string_view text) {
  return has_run(text, 13, is_ch_ahv);
}

}  // namespace nae::gateway
