// For tests: the module of NAE_TEST_MODULE, SoftHSM at first, behind a PKCS#11 module whose
// functions fail when a test says so, as vendors' modules do. A test of the same process finds
// nae_fail_pkcs11() with dlsym in the module that it has loaded as well. A test of another process
// names a file in NAE_FAULTY_PKCS11; while its lines are
//     FUNCTION VALUE      a CK_RV, as 0x30: every call fails with it
//     FUNCTION wait MS    every call takes so long before it is made
//     FUNCTION crash N    the N-th call is a segmentation fault
//     FUNCTION hang N     the N-th call never returns
// it is so. The file is read at every call and may be missing. A call that crashes or hangs takes
// it away first, so that the process that is started next has a module that works.
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

namespace {

enum Function {
  get_token_info,
  open_session,
  sign,
  unwrap_key,
  generate_key_pair,
  login,
  decrypt,
  functions
};

constexpr const char* kNames[functions] = {"C_GetTokenInfo", "C_OpenSession",     "C_Sign",
                                           "C_UnwrapKey",    "C_GenerateKeyPair", "C_Login",
                                           "C_Decrypt"};

struct Fault {
  std::atomic<CK_RV> value{CKR_OK};
  std::atomic<int> times{0};
} faults[functions];

std::atomic<CK_MECHANISM_TYPE> lacking{CK_UNAVAILABLE_INFORMATION};

CK_FUNCTION_LIST* real = nullptr;
CK_FUNCTION_LIST faulty;

const char* real_module() {
  const char* wanted = std::getenv("NAE_TEST_MODULE");
  return wanted && std::strcmp(wanted, "nss") == 0 ? NAE_NSS : NAE_SOFTHSM;
}

// What the next call of `function` fails with; CKR_OK where it is passed on.
CK_RV fault_of(Function function) {
  Fault& fault = faults[function];
  int left = fault.times.load();
  while (left > 0)
    if (fault.times.compare_exchange_weak(left, left - 1)) return fault.value;
  return CKR_OK;
}

// Ends the process, or never returns, at the call of `function` that the file names.
void crash_or_hang(Function function, const std::string& how, int call, const char* path) {
  static std::atomic<int> calls[functions];
  if (++calls[function] != call || ::unlink(path) != 0) return;
  volatile int* nowhere = nullptr;
  if (how == "crash") *nowhere = 1;
  for (;;) ::pause();
}

// What the file says of `function`; waits here when it says so.
CK_RV fault_of_file(Function function) {
  const char* path = ::getenv("NAE_FAULTY_PKCS11");
  if (path == nullptr) return CKR_OK;
  std::ifstream file(path);
  std::string name, value;
  while (file >> name >> value) {
    const bool is_value = value.starts_with("0x");
    int number = 0;
    if (!is_value) file >> number;
    if (name != kNames[function]) continue;
    if (is_value) return std::stoul(value, nullptr, 16);
    if (value == "wait")
      std::this_thread::sleep_for(std::chrono::milliseconds(number));
    else
      crash_or_hang(function, value, number, path);
  }
  return CKR_OK;
}

template <Function function, auto CK_FUNCTION_LIST::*member, class... Arguments>
CK_RV fail_or_pass(Arguments... arguments) {
  if (const CK_RV value = fault_of(function); value != CKR_OK) return value;
  if (const CK_RV value = fault_of_file(function); value != CKR_OK) return value;
  return (real->*member)(arguments...);
}

CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO* info) {
  return type == lacking ? CKR_MECHANISM_INVALID : real->C_GetMechanismInfo(slot, type, info);
}

}  // namespace

extern "C" {

CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  void* module = ::dlopen(real_module(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) return CKR_GENERAL_ERROR;
  auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(module, "C_GetFunctionList"));
  if (const CK_RV value = get(&real); value != CKR_OK) return value;
  faulty = *real;
  faulty.C_GetTokenInfo = fail_or_pass<get_token_info, &CK_FUNCTION_LIST::C_GetTokenInfo>;
  faulty.C_OpenSession = fail_or_pass<open_session, &CK_FUNCTION_LIST::C_OpenSession>;
  faulty.C_Sign = fail_or_pass<sign, &CK_FUNCTION_LIST::C_Sign>;
  faulty.C_UnwrapKey = fail_or_pass<unwrap_key, &CK_FUNCTION_LIST::C_UnwrapKey>;
  faulty.C_GenerateKeyPair = fail_or_pass<generate_key_pair, &CK_FUNCTION_LIST::C_GenerateKeyPair>;
  faulty.C_Login = fail_or_pass<login, &CK_FUNCTION_LIST::C_Login>;
  faulty.C_Decrypt = fail_or_pass<decrypt, &CK_FUNCTION_LIST::C_Decrypt>;
  faulty.C_GetMechanismInfo = get_mechanism_info;
  *list = &faulty;
  return CKR_OK;
}

// The token says that it lacks this mechanism; CK_UNAVAILABLE_INFORMATION: that it lacks none.
void nae_lack_mechanism(CK_MECHANISM_TYPE type) {
  lacking = type;
}

// The next `times` calls of `name` answer `value`. False for a function that cannot fail here.
bool nae_fail_pkcs11(const char* name, CK_RV value, int times) {
  for (int i = 0; i < functions; ++i) {
    if (std::strcmp(kNames[i], name) != 0) continue;
    faults[i].value = value;
    faults[i].times = times;
    return true;
  }
  return false;
}
}
