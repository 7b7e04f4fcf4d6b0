// libFuzzer: what programs hand to the PKCS#11 module in memory: parameters of mechanisms and
// templates. Each piece stands in memory of exactly the length that is said of it, somewhere
// unaligned, so that a byte read or written beyond it is seen.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "pkcs11/attribute.hpp"
#include "pkcs11/cipher_mechanism.hpp"
#include "pkcs11/derived_secret.hpp"
#include "pkcs11/mechanism.hpp"
#include "pkcs11/private_mechanism.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;
using namespace nae::pkcs11;

namespace {

Object object_of(KeyType type) {
  Object object;
  object.type = type;
  object.name = "key";
#define NAE_SIGNATURE_SCHEME(scheme, ...) \
  if (fits(SignatureScheme::scheme, type)) object.schemes.push_back(SignatureScheme::scheme);
#define NAE_DECRYPTION_SCHEME(scheme, ...) object.decryptions.push_back(DecryptionScheme::scheme);
#define NAE_CIPHER_MODE(mode, ...) object.modes.push_back(CipherMode::mode);
#include "libnae/base/algorithms.def"
  return object;
}

// Memory of a program, of this length and no longer.
class Given {
 public:
  explicit Given(ByteView bytes)
      : bytes_(std::make_unique<Byte[]>(bytes.size() + 1)), size_(bytes.size()) {
    if (size_ != 0) std::memcpy(data(), bytes.data(), size_);
  }
  Byte* data() const { return bytes_.get() + 1; }  // unaligned
  CK_ULONG size() const { return size_; }

 private:
  std::unique_ptr<Byte[]> bytes_;
  std::size_t size_;
};

// A structure of the input's bytes, zero where there are no more.
template <class T>
T structure_of(ByteReader& in) {
  T out{};
  const ByteView bytes = in.raw(std::min(sizeof out, in.remaining()));
  std::memcpy(&out, bytes.data(), bytes.size());
  return out;
}

template <class T>
Given in_memory(const T& structure, std::uint8_t shape) {
  const ByteView whole(reinterpret_cast<const Byte*>(&structure), sizeof structure);
  return Given(shape & 1 ? whole.first(shape % sizeof structure) : whole);
}

void require_is_refusal(CK_RV rv) {
  require(rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_KEY_TYPE_INCONSISTENT ||
          rv == CKR_KEY_FUNCTION_NOT_PERMITTED);
}

void check_signing(const Object& object, ByteReader& in, std::uint8_t shape) {
  const auto parameter = structure_of<CK_RSA_PKCS_PSS_PARAMS>(in);
  const Given memory = in_memory(parameter, shape);
  for (const Mechanism& mechanism : mechanisms()) {
    const CK_MECHANISM asked{mechanism.type, memory.data(), memory.size()};
    SignatureScheme scheme{};
    const CK_RV rv = scheme_of(mechanism, asked, object, scheme);
    if (rv != CKR_OK) {
      require_is_refusal(rv);
      continue;
    }
    if (mechanism.method != SignatureMethod::rsa_pss) {
      require(memory.size() == 0);
      continue;
    }
    const SchemeRow* row = find_row(scheme);
    require(row && row->method == SignatureMethod::rsa_pss && row->may_sign);
    require(memory.size() == sizeof parameter && digest_bytes(*row->hash) == parameter.s_len);
    require(!mechanism.hash || *mechanism.hash == *row->hash);
  }
}

void check_oaep(ByteReader& in, std::uint8_t shape) {
  auto parameter = structure_of<CK_RSA_PKCS_OAEP_PARAMS>(in);
  const Given label(in.raw(in.remaining()));
  parameter.pSourceData = shape & 2 ? nullptr : label.data();
  // A length with nothing to it is what a program may say of no memory alone.
  if (parameter.pSourceData) parameter.ulSourceDataLen = label.size();
  const Given memory = in_memory(parameter, shape);
  Decryption out;
  const CK_RV rv = decryption_of({CKM_RSA_PKCS_OAEP, memory.data(), memory.size()}, out);
  if (rv != CKR_OK) return require_is_refusal(rv);
  require(memory.size() == sizeof parameter);
  const DecryptionRow* row = find_row(out.scheme);
  require(row && row->hash);
  require(out.label.size() == parameter.ulSourceDataLen);
  require(std::equal(out.label.begin(), out.label.end(), label.data()));
}

void check_point(const Object& object, ByteReader& in, std::uint8_t shape) {
  auto parameter = structure_of<CK_ECDH1_DERIVE_PARAMS>(in);
  const Given point(in.raw(in.remaining()));
  parameter.pPublicData = shape & 2 ? nullptr : point.data();
  if (parameter.pPublicData) parameter.ulPublicDataLen = point.size();
  parameter.pSharedData = nullptr;
  const Given memory = in_memory(parameter, shape);
  Bytes out;
  const CK_RV rv = point_of({CKM_ECDH1_DERIVE, memory.data(), memory.size()}, object, out);
  if (rv != CKR_OK) return require_is_refusal(rv);
  require(parameter.kdf == CKD_NULL && !out.empty() && out.size() <= point.size());
  require(std::equal(out.begin(), out.end(), point.data() + point.size() - out.size()));
}

// Parameters of AES: IV and associated data are the same memory, of as many bytes as there are.
void check_cipher(ByteReader& in, std::uint8_t shape) {
  auto gcm = structure_of<CK_GCM_PARAMS>(in);
  const auto counter = structure_of<CK_AES_CTR_PARAMS>(in);
  const Given bytes(in.raw(in.remaining()));
  gcm.pIv = shape & 2 ? nullptr : bytes.data();
  gcm.pAAD = shape & 4 ? nullptr : bytes.data();
  if (gcm.pIv) gcm.ulIvLen = bytes.size();
  if (gcm.pAAD) gcm.ulAADLen = bytes.size();
  const Given of_gcm = in_memory(gcm, shape), of_counter = in_memory(counter, shape);
  for (const CipherMechanism& mechanism : cipher_mechanisms()) {
    const Given& memory = mechanism.type == CKM_AES_GCM   ? of_gcm
                          : mechanism.type == CKM_AES_CTR ? of_counter
                                                          : bytes;
    CipherUse use;
    use.encrypts = shape & 8;
    const CK_RV rv = cipher_use_of(mechanism, {mechanism.type, memory.data(), memory.size()}, use);
    if (rv != CKR_OK) {
      require(rv == CKR_MECHANISM_PARAM_INVALID);
      continue;
    }
    const CipherRow& row = *find_row(mechanism.mode);
    require(use.mode == mechanism.mode);
    require(use.iv.size() >= row.least_iv_bytes && use.iv.size() <= row.most_iv_bytes);
    require(use.aad.empty() || (mechanism.type == CKM_AES_GCM && use.aad.size() == bytes.size()));
    for (const std::size_t length : {bytes.size(), memory.size(), std::size_t{shape}})
      if (const auto result = result_bytes(use, length))
        require(*result <= length + 16 && *result + 16 >= length);
  }
}

// Of each attribute its type in two bytes, a length in one, whose highest bit takes the memory
// away, and its bytes.
struct Template {
  explicit Template(ByteReader& in) {
    while (in.remaining() > 0 && rows.size() < 64) {
      const std::uint16_t type = in.u16();
      const std::uint8_t bytes = in.u8();
      memory.emplace_back(in.raw(std::min<std::size_t>(bytes & 0x7f, in.remaining())));
      rows.push_back({type, bytes & 0x80 ? nullptr : memory.back().data(), memory.back().size()});
    }
  }
  std::vector<Given> memory;
  std::vector<CK_ATTRIBUTE> rows;
};

// What C_GetAttributeValue writes: each value whole, into the room that there is.
template <class AnyObject>
void check_reading(const AnyObject& object, std::vector<CK_ATTRIBUTE> rows) {
  const std::vector<CK_ATTRIBUTE> before = rows;
  read_attributes(object, rows.data(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Attribute known = attribute_of(object, rows[i].type);
    const auto* value = std::get_if<Bytes>(&known);
    if (rows[i].ulValueLen == CK_UNAVAILABLE_INFORMATION) {
      require(!value || (rows[i].pValue && value->size() > before[i].ulValueLen));
      continue;
    }
    require(value && rows[i].ulValueLen == value->size());
    require(!rows[i].pValue || rows[i].ulValueLen <= before[i].ulValueLen);
  }
}

void check_template(const Object& object, ByteReader& in, std::uint8_t agreed_bytes) {
  const Template given(in);
  const Bytes agreed(agreed_bytes, 'z');
  DerivedTemplate wanted;
  const CK_RV rv = wanted.want(given.rows.data(), given.rows.size(), agreed.size());
  if (rv == CKR_OK) {
    const DerivedSecret secret = wanted.made_of(agreed);
    require(!secret.value.empty() && secret.value.size() <= agreed.size());
    require(secret.key_type == CKK_GENERIC_SECRET || secret.value.size() % 8 == 0);
    const CK_BBOOL no = CK_FALSE;
    for (const CK_ATTRIBUTE_TYPE type : {CKA_TOKEN, CKA_SENSITIVE})
      require(is_equal(attribute_of(secret, type), {type, const_cast<CK_BBOOL*>(&no), sizeof no}));
    check_reading(secret, given.rows);
  } else {
    require(rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
            rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_TEMPLATE_INCOMPLETE ||
            rv == CKR_KEY_SIZE_RANGE);
  }
  // C_FindObjectsInit refuses a length of nothing before it compares.
  std::vector<CK_ATTRIBUTE> compared = given.rows;
  for (CK_ATTRIBUTE& each : compared)
    if (!each.pValue) each.ulValueLen = 0;
  (void)matches(object, compared.data(), compared.size());
  check_reading(object, given.rows);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::uint8_t shape = data[2];
  const Object object = object_of(key_types()[data[1] % key_types().size()].type);
  ByteReader in(ByteView(data + 3, size - 3));
  // Beside the numbers that the corpus goes by.
  if (data[0] >= 0xf0) {
    check_cipher(in, shape);
    return 0;
  }
  switch (data[0] % 4) {
    case 0:
      check_signing(object, in, shape);
      break;
    case 1:
      check_oaep(in, shape);
      break;
    case 2:
      check_point(object, in, shape);
      break;
    default:
      check_template(object, in, shape);
  }
  return 0;
}
