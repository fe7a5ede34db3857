package office

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"hash"
	"unicode/utf16"

	"chatets/appliance/fault"
)

const (
	maxSpin = 10_000_000 // what the standard allows
	maxInfo = 64 << 10   // bytes of the description of a lock
	segment = 4096
)

// decrypt opens the package inside a locked file (MS-OFFCRYPTO, agile and
// standard encryption with AES). A password that does not fit is errWrong.
func decrypt(ctx context.Context, data []byte, password string) ([]byte, error) {
	c, err := openCompound(data)
	if err != nil {
		return nil, err
	}
	info, err := c.stream("EncryptionInfo")
	if err != nil {
		return nil, err
	}
	sealed, err := c.stream("EncryptedPackage")
	if err != nil {
		return nil, err
	}
	if len(info) < 8 || len(info) > maxInfo || len(sealed) < 8 {
		return nil, errCompound
	}
	size := binary.LittleEndian.Uint64(sealed)
	if size > uint64(len(sealed)) {
		return nil, errCompound
	}
	var plain []byte
	switch major, minor := binary.LittleEndian.Uint16(info), binary.LittleEndian.Uint16(info[2:]); {
	case major == 4 && minor == 4:
		plain, err = agile(ctx, info[8:], sealed[8:], password)
	case minor == 2 && major >= 2 && major <= 4:
		plain, err = standard(ctx, info[8:], sealed[8:], password)
	default:
		err = errScheme
	}
	if err != nil {
		return nil, err
	}
	return plain[:min(size, uint64(len(plain)))], nil
}

var (
	errWrong  = errors.New("the password does not fit")
	errScheme = errors.New("the file is locked in a way that is not known")
)

// utf16Of is a password as Office hashes it.
func utf16Of(password string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(password)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func hashNamed(name string) (func() hash.Hash, error) {
	switch name {
	case "SHA1", "SHA-1":
		return sha1.New, nil
	case "SHA256", "SHA-256":
		return sha256.New, nil
	case "SHA384", "SHA-384":
		return sha512.New384, nil
	case "SHA512", "SHA-512":
		return sha512.New, nil
	}
	return nil, errScheme
}

func digest(h func() hash.Hash, parts ...[]byte) []byte {
	d := h()
	for _, p := range parts {
		d.Write(p)
	}
	return d.Sum(nil)
}

// spin hashes a password again and again, as often as the file says.
func spin(ctx context.Context, h func() hash.Hash, salt []byte, password string, times int) ([]byte, error) {
	if times < 0 || times > maxSpin {
		return nil, errScheme
	}
	sum := digest(h, salt, utf16Of(password))
	d, counter := h(), make([]byte, 4)
	for i := range times {
		if i%50_000 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		binary.LittleEndian.PutUint32(counter, uint32(i))
		d.Reset()
		d.Write(counter)
		d.Write(sum)
		sum = d.Sum(sum[:0])
	}
	return sum, nil
}

// fit cuts to a length, or fills up with the byte the standard names.
func fit(b []byte, length int) []byte {
	out := bytes.Repeat([]byte{0x36}, length)
	copy(out, b)
	return out
}

// cbc decrypts whole blocks; what is left over is dropped.
func cbc(key, iv, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil || len(iv) != aes.BlockSize {
		return nil, errScheme
	}
	out := make([]byte, len(data)/aes.BlockSize*aes.BlockSize)
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, data[:len(out)])
	return out, nil
}

// lockOf is how a part of a file is locked.
type lockOf struct {
	BlockSize int    `xml:"blockSize,attr"`
	KeyBits   int    `xml:"keyBits,attr"`
	HashSize  int    `xml:"hashSize,attr"`
	Cipher    string `xml:"cipherAlgorithm,attr"`
	Chaining  string `xml:"cipherChaining,attr"`
	Hash      string `xml:"hashAlgorithm,attr"`
	Salt      string `xml:"saltValue,attr"`

	Spin   int    `xml:"spinCount,attr"`
	Input  string `xml:"encryptedVerifierHashInput,attr"`
	Value  string `xml:"encryptedVerifierHashValue,attr"`
	Sealed string `xml:"encryptedKeyValue,attr"`
}

func (l lockOf) known() bool {
	return l.Cipher == "AES" && l.Chaining == "ChainingModeCBC" && l.BlockSize == aes.BlockSize && (l.KeyBits == 128 || l.KeyBits == 192 || l.KeyBits == 256)
}

func agile(ctx context.Context, info, sealed []byte, password string) ([]byte, error) {
	var described struct {
		Data lockOf `xml:"keyData"`
		Keys []struct {
			Password *lockOf `xml:"http://schemas.microsoft.com/office/2006/keyEncryptor/password encryptedKey"`
		} `xml:"keyEncryptors>keyEncryptor"`
	}
	if err := xml.Unmarshal(bytes.TrimRight(info, "\x00"), &described); err != nil {
		return nil, errors.Join(errCompound, err)
	}
	var lock *lockOf
	for _, k := range described.Keys {
		if k.Password != nil {
			lock = k.Password
		}
	}
	if lock == nil || !lock.known() || !described.Data.known() { // a certificate, or another cipher
		return nil, errScheme
	}
	h, err := hashNamed(lock.Hash)
	if err != nil {
		return nil, err
	}
	ofData, err := hashNamed(described.Data.Hash)
	if err != nil {
		return nil, err
	}
	parts := map[string][]byte{lock.Salt: nil, lock.Input: nil, lock.Value: nil, lock.Sealed: nil, described.Data.Salt: nil}
	for text := range parts {
		if parts[text], err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, errCompound
		}
	}
	sum, err := spin(ctx, h, parts[lock.Salt], password, lock.Spin)
	if err != nil {
		return nil, err
	}
	iv := fit(parts[lock.Salt], lock.BlockSize)
	open := func(purpose string, text string) ([]byte, error) {
		return cbc(fit(digest(h, sum, []byte(purpose)), lock.KeyBits/8), iv, parts[text])
	}
	input, err := open("\xfe\xa7\xd2\x76\x3b\x4b\x9e\x79", lock.Input)
	if err != nil {
		return nil, err
	}
	value, err := open("\xd7\xaa\x0f\x6d\x30\x61\x34\x4e", lock.Value)
	if err != nil {
		return nil, err
	}
	want := digest(h, input[:min(len(input), len(parts[lock.Salt]))])
	if len(value) < len(want) || subtle.ConstantTimeCompare(value[:len(want)], want) != 1 {
		return nil, errWrong
	}
	key, err := open("\x14\x6e\x0b\xe7\xab\xac\xd0\xd6", lock.Sealed)
	if err != nil {
		return nil, err
	}
	if len(key) < described.Data.KeyBits/8 {
		return nil, errCompound
	}
	key = key[:described.Data.KeyBits/8]
	out := make([]byte, 0, len(sealed))
	counter := make([]byte, 4)
	for i := 0; i*segment < len(sealed); i++ {
		if i%1000 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		binary.LittleEndian.PutUint32(counter, uint32(i))
		iv := fit(digest(ofData, parts[described.Data.Salt], counter), aes.BlockSize)
		plain, err := cbc(key, iv, sealed[i*segment:min((i+1)*segment, len(sealed))])
		if err != nil {
			return nil, err
		}
		out = append(out, plain...)
	}
	return out, nil
}

// standard is the encryption of Office 2007: AES without chaining, SHA-1.
func standard(ctx context.Context, info, sealed []byte, password string) ([]byte, error) {
	if len(info) < 4 {
		return nil, errCompound
	}
	header := uint64(binary.LittleEndian.Uint32(info))
	if header < 32 || 4+header+72 > uint64(len(info)) {
		return nil, errCompound
	}
	bits := int(binary.LittleEndian.Uint32(info[4+16:]))
	switch algorithm := binary.LittleEndian.Uint32(info[4+8:]); {
	case algorithm != 0x660e && algorithm != 0x660f && algorithm != 0x6610: // AES
		return nil, errScheme
	case bits != 128 && bits != 192 && bits != 256:
		return nil, errScheme
	}
	verifier := info[4+header:]
	if binary.LittleEndian.Uint32(verifier) != 16 {
		return nil, errScheme
	}
	sum, err := spin(ctx, sha1.New, verifier[4:20], password, 50_000)
	if err != nil {
		return nil, err
	}
	sum = digest(sha1.New, sum, make([]byte, 4))
	half := func(fill byte) []byte {
		pad := bytes.Repeat([]byte{fill}, 64)
		subtle.XORBytes(pad, pad, sum)
		return digest(sha1.New, pad)
	}
	block, err := aes.NewCipher(append(half(0x36), half(0x5c)...)[:bits/8])
	if err != nil {
		return nil, err
	}
	plain := func(data []byte) []byte {
		out := make([]byte, len(data)/aes.BlockSize*aes.BlockSize)
		for i := 0; i < len(out); i += aes.BlockSize {
			block.Decrypt(out[i:], data[i:])
		}
		return out
	}
	want := digest(sha1.New, plain(verifier[20:36]))
	if subtle.ConstantTimeCompare(plain(verifier[40:72])[:len(want)], want) != 1 {
		return nil, errWrong
	}
	return plain(sealed), nil
}

// unlock is the ZIP file inside a compound file, or says what it is instead.
func unlock(ctx context.Context, data []byte, password string) ([]byte, error) {
	if err := old(data); err != nil {
		return nil, err
	}
	if password == "" {
		return nil, locked()
	}
	inner, err := decrypt(ctx, data, password)
	switch {
	case err == nil && bytes.HasPrefix(inner, []byte("PK")):
		return inner, nil
	case err == nil, errors.Is(err, errCompound):
		return nil, damaged(err)
	case errors.Is(err, errWrong):
		return nil, fault.New(fault.Invalid, "The password does not open the file.").Code("file-locked").Cure("Check the password and try again.")
	case errors.Is(err, errScheme):
		return nil, fault.New(fault.Unsupported, "The file is locked in a way that ChatETS cannot open: by a certificate, by rights management or by an old cipher.").
			Code("file-lock-unknown").Cure("Save it without a password and add it again.").Because(err)
	}
	return nil, err
}
