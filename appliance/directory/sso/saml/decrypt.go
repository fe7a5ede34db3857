package saml

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	_ "crypto/sha1" // of RSA-OAEP
	_ "crypto/sha512"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/beevik/etree"
)

// decrypted is the element inside an EncryptedAssertion. Whatever goes wrong gets
// the same refusal, so that nobody can learn about the content from it.
func (sp SP) decrypted(e *etree.Element) (*etree.Element, error) {
	plain, err := sp.open(e)
	if err != nil {
		return nil, refuse("saml-decrypt", "Give the provider the present metadata of this installation, and let it encrypt with AES and RSA-OAEP.", "The assertion cannot be decrypted with the key of this installation.")
	}
	return parse(plain)
}

func (sp SP) open(e *etree.Element) ([]byte, error) {
	data := only(e, nsEncrypted, "EncryptedData")
	if data == nil {
		return nil, errors.New("no data")
	}
	var keys []*etree.Element
	each(e, func(x *etree.Element) {
		if is(x, nsEncrypted, "EncryptedKey") {
			keys = append(keys, x)
		}
	})
	if len(keys) == 0 || len(keys) > 5 {
		return nil, errors.New("no key")
	}
	sealed, err := cipherValue(data)
	if err != nil {
		return nil, err
	}
	method := only(data, nsEncrypted, "EncryptionMethod").SelectAttrValue("Algorithm", "")
	for _, k := range keys {
		key, err := sp.unwrap(k)
		if err != nil {
			continue
		}
		if plain, err := openSymmetric(method, key, sealed); err == nil {
			return plain, nil
		}
	}
	return nil, errors.New("no key fits")
}

func cipherValue(e *etree.Element) ([]byte, error) {
	if only(e, nsEncrypted, "EncryptionMethod") == nil {
		return nil, errors.New("no method")
	}
	value, ok := text(only(only(e, nsEncrypted, "CipherData"), nsEncrypted, "CipherValue"))
	if !ok {
		return nil, errors.New("no value")
	}
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
}

// unwrap opens the key of the content with RSA-OAEP. The older way, PKCS #1 v1.5,
// tells an attacker about the key and is not taken.
func (sp SP) unwrap(e *etree.Element) ([]byte, error) {
	wrapped, err := cipherValue(e)
	if err != nil {
		return nil, err
	}
	method := only(e, nsEncrypted, "EncryptionMethod")
	digest := "http://www.w3.org/2000/09/xmldsig#sha1"
	if d := only(method, nsSignature, "DigestMethod"); d != nil {
		digest = d.SelectAttrValue("Algorithm", "")
	}
	mask := "http://www.w3.org/2009/xmlenc11#mgf1sha1"
	switch method.SelectAttrValue("Algorithm", "") {
	case "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p":
	case "http://www.w3.org/2009/xmlenc11#rsa-oaep":
		if m := only(method, "http://www.w3.org/2009/xmlenc11#", "MGF"); m != nil {
			mask = m.SelectAttrValue("Algorithm", "")
		}
	default:
		return nil, errors.New("not RSA-OAEP")
	}
	outer, inner := hashOf(digest), hashOf(mask)
	if outer == 0 || inner == 0 {
		return nil, errors.New("unknown hash")
	}
	// In OAEP the collisions of SHA-1 do no harm, and it is what the standard has.
	return sp.Key.Decrypt(nil, wrapped, &rsa.OAEPOptions{Hash: outer, MGFHash: inner})
}

func hashOf(name string) crypto.Hash {
	return map[string]crypto.Hash{
		"http://www.w3.org/2000/09/xmldsig#sha1": crypto.SHA1, "http://www.w3.org/2009/xmlenc11#mgf1sha1": crypto.SHA1,
		"http://www.w3.org/2001/04/xmlenc#sha256": crypto.SHA256, "http://www.w3.org/2009/xmlenc11#mgf1sha256": crypto.SHA256,
		"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384, "http://www.w3.org/2009/xmlenc11#mgf1sha384": crypto.SHA384,
		"http://www.w3.org/2001/04/xmlenc#sha512": crypto.SHA512, "http://www.w3.org/2009/xmlenc11#mgf1sha512": crypto.SHA512,
	}[name]
}

func openSymmetric(method string, key, sealed []byte) ([]byte, error) {
	size := map[string]int{
		"http://www.w3.org/2001/04/xmlenc#aes128-cbc": 16, "http://www.w3.org/2001/04/xmlenc#aes192-cbc": 24, "http://www.w3.org/2001/04/xmlenc#aes256-cbc": 32,
		"http://www.w3.org/2009/xmlenc11#aes128-gcm": 16, "http://www.w3.org/2009/xmlenc11#aes192-gcm": 24, "http://www.w3.org/2009/xmlenc11#aes256-gcm": 32,
	}[method]
	if size == 0 || len(key) != size {
		return nil, errors.New("another method or key")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(method, "-gcm") {
		gcm, err := cipher.NewGCM(block)
		if err != nil || len(sealed) < gcm.NonceSize() {
			return nil, errors.New("too short")
		}
		return gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], nil)
	}
	if len(sealed) < 2*aes.BlockSize || len(sealed)%aes.BlockSize != 0 {
		return nil, errors.New("not whole blocks")
	}
	plain := make([]byte, len(sealed)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, sealed[:aes.BlockSize]).CryptBlocks(plain, sealed[aes.BlockSize:])
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, errors.New("wrong padding")
	}
	return plain[:len(plain)-pad], nil
}
