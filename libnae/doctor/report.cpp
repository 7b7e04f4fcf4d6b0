#include "libnae/doctor/report.hpp"

#include <algorithm>
#include <ostream>

#include "libnae/base/log_text.hpp"

namespace nae::doctor {
namespace {

// What no doctor can see from outside: settings of a database that write plaintexts into its log.
constexpr std::string_view kNext = "in each database: SELECT * FROM nae.lint()";

// As quoted_text() escapes it, without the quotes.
std::string shown(std::string_view text) {
  std::string quoted = quoted_text(text);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

void Report::found(Finding finding, std::string subject, std::string detail) {
  lines_.push_back({&row(finding), std::move(subject), std::move(detail)});
}

void Report::good(std::string subject, std::string detail) {
  lines_.push_back({nullptr, std::move(subject), std::move(detail)});
}

Severity Report::worst() const {
  Severity worst = Severity::ok;
  for (const Line& line : lines_)
    if (line.row) worst = std::max(worst, line.row->severity);
  return worst;
}

int Report::exit_code() const {
  return worst() == Severity::error ? 1 : 0;
}

void Report::print(std::ostream& out) const {
  for (const Line& line : lines_) {
    const std::string_view severity = name(line.row ? line.row->severity : Severity::ok);
    out << severity << std::string(9 - severity.size(), ' ');
    if (line.row) out << line.row->code << ' ';
    out << shown(line.subject);
    if (line.row) out << ": " << line.row->text;
    if (!line.detail.empty()) out << (line.row ? " (" : ": ") << shown(line.detail);
    out << (line.row && !line.detail.empty() ? ")\n" : "\n");
    if (line.row) out << "         mend: " << line.row->remedy << '\n';
  }
  out << "next: " << kNext << '\n';
}

void Report::print_json(std::ostream& out) const {
  out << "{\"worst\":" << quoted_text(name(worst())) << ",\"checks\":[";
  for (const Line& line : lines_) {
    if (&line != lines_.data()) out << ',';
    out << "{\"severity\":" << quoted_text(name(line.row ? line.row->severity : Severity::ok))
        << ",\"subject\":" << quoted_text(line.subject)
        << ",\"detail\":" << quoted_text(line.detail);
    if (line.row)
      out << ",\"code\":" << quoted_text(line.row->code)
          << ",\"text\":" << quoted_text(line.row->text)
          << ",\"remedy\":" << quoted_text(line.row->remedy);
    out << '}';
  }
  out << "],\"next\":" << quoted_text(kNext) << "}\n";
}

}  // namespace nae::doctor
