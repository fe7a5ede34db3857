package secret

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxtpm"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"

	"chatets/appliance/fault"
)

// TPM is a seed that this machine's TPM 2.0 sealed under its storage root key,
// optionally for certain values of platform registers (PCRs, bank SHA-256).
type TPM struct {
	Device  string `json:"device"` // /dev/tpmrm0, or a Unix socket
	Public  []byte `json:"public"`
	Private []byte `json:"private"`
	PCRs    []uint `json:"pcrs,omitempty"`
}

// DefaultTPM is the TPM of the machine behind the kernel's resource manager.
const DefaultTPM = "/dev/tpmrm0"

const (
	lastPCR  = 23
	mostPCRs = 8 // the TPM gives no more of them in one answer
)

func (t *TPM) check() error {
	if t.Device == "" {
		t.Device = DefaultTPM
	}
	slices.Sort(t.PCRs)
	t.PCRs = slices.Compact(t.PCRs)
	switch n := len(t.PCRs); {
	case n > 0 && t.PCRs[n-1] > lastPCR:
		return fault.New(fault.Invalid, "There is no platform register %d.", t.PCRs[n-1]).Cure("They are 0 to %d; 7 is the state of Secure Boot.", lastPCR)
	case n > mostPCRs:
		return fault.New(fault.Invalid, "A key is bound to at most %d platform registers, not %d.", mostPCRs, n).Cure("Name the ones that matter, for example 7.")
	}
	return nil
}

func (t TPM) open() (transport.TPMCloser, error) {
	info, err := os.Stat(t.Device)
	var tpm transport.TPMCloser
	if err == nil {
		if info.Mode()&fs.ModeSocket != 0 {
			tpm, err = linuxudstpm.Open(t.Device)
		} else {
			tpm, err = linuxtpm.Open(t.Device)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.Conflict, "The TPM is not there.").Code("tpm-away").Cure("See that it is switched on in the firmware and that the kernel shows %s", t.Device).Because(err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fault.New(fault.Conflict, "The TPM may not be used by this user.").Code("tpm-forbidden").Cure("Put the service's user into the group of %s (mostly tss)", t.Device).Because(err)
	case err != nil:
		return nil, t.away(err)
	}
	return tpm, nil
}

func (t TPM) away(err error) error {
	return fault.New(fault.Unavailable, "The TPM does not answer.").Code("tpm-away").Cure("See whether another program holds %s, and start the machine again", t.Device).Because(err)
}

// with runs work with the storage root key loaded.
func (t TPM) with(work func(tpm transport.TPM, root *tpm2.CreatePrimaryResponse) error) (err error) {
	tpm, err := t.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tpm.Close()) }()
	root, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(tpm2.ECCSRKTemplate)}.Execute(tpm)
	if err != nil {
		return t.failed(err)
	}
	err = work(tpm, root)
	_, flushErr := tpm2.FlushContext{FlushHandle: root.ObjectHandle}.Execute(tpm)
	if err == nil && flushErr != nil {
		err = t.failed(flushErr)
	}
	return err
}

// parent authorizes the root; what is sent or received is encrypted to it, so
// that nobody reads the seed on the wires between processor and TPM.
func parent(root *tpm2.CreatePrimaryResponse) (tpm2.AuthHandle, tpm2.AuthOption, error) {
	public, err := root.OutPublic.Contents()
	if err != nil {
		return tpm2.AuthHandle{}, nil, err
	}
	salted := tpm2.Salted(root.ObjectHandle, *public)
	session := tpm2.HMAC(tpm2.TPMAlgSHA256, 16, salted, tpm2.AESEncryption(128, tpm2.EncryptInOut))
	return tpm2.AuthHandle{Handle: root.ObjectHandle, Name: root.Name, Auth: session}, salted, nil
}

// seal gives a seed to the TPM.
func (t *TPM) seal(seed []byte) error {
	return t.with(func(tpm transport.TPM, root *tpm2.CreatePrimaryResponse) error {
		policy, err := t.policy(tpm)
		if err != nil {
			return t.failed(err)
		}
		above, _, err := parent(root)
		if err != nil {
			return t.failed(err)
		}
		made, err := tpm2.Create{
			ParentHandle: above,
			InSensitive:  tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{Data: tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: seed})}},
			InPublic: tpm2.New2B(tpm2.TPMTPublic{
				Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256, AuthPolicy: tpm2.TPM2BDigest{Buffer: policy},
				// Without registers it opens by its empty password, with them by the policy alone.
				ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, NoDA: true, UserWithAuth: policy == nil},
			}),
		}.Execute(tpm)
		if err != nil {
			return t.failed(err)
		}
		t.Public, t.Private = tpm2.Marshal(made.OutPublic), tpm2.Marshal(made.OutPrivate)
		return nil
	})
}

// unseal gets the seed back.
func (t TPM) unseal() (seed []byte, err error) {
	public, err := tpm2.Unmarshal[tpm2.TPM2BPublic](t.Public)
	if err != nil {
		return nil, damagedDocument(fmt.Errorf("sealed object: %w", err))
	}
	private, err := tpm2.Unmarshal[tpm2.TPM2BPrivate](t.Private)
	if err != nil {
		return nil, damagedDocument(fmt.Errorf("sealed object: %w", err))
	}
	err = t.with(func(tpm transport.TPM, root *tpm2.CreatePrimaryResponse) error {
		above, salted, err := parent(root)
		if err != nil {
			return t.failed(err)
		}
		loaded, err := tpm2.Load{ParentHandle: above, InPublic: *public, InPrivate: *private}.Execute(tpm)
		if err != nil {
			return fault.New(fault.Conflict, "The TPM of this machine does not know the key that is sealed in keys.json.").Code("tpm-wrong").
				Cure("It was sealed by another TPM, or this one was cleared").Because(err)
		}
		defer func() { _, _ = tpm2.FlushContext{FlushHandle: loaded.ObjectHandle}.Execute(tpm) }()
		encrypted := tpm2.AESEncryption(128, tpm2.EncryptOut)
		session := tpm2.HMAC(tpm2.TPMAlgSHA256, 16, salted, encrypted)
		if len(t.PCRs) > 0 {
			session = tpm2.Policy(tpm2.TPMAlgSHA256, 16, func(tpm transport.TPM, handle tpm2.TPMISHPolicy, _ tpm2.TPM2BNonce) error {
				_, err := tpm2.PolicyPCR{PolicySession: handle, Pcrs: t.selection()}.Execute(tpm)
				return err
			}, salted, encrypted)
		}
		out, err := tpm2.Unseal{ItemHandle: tpm2.AuthHandle{Handle: loaded.ObjectHandle, Name: loaded.Name, Auth: session}}.Execute(tpm)
		if errors.Is(err, tpm2.TPMRCPolicyFail) || errors.Is(err, tpm2.TPMRCPCRChanged) {
			return fault.New(fault.Conflict, "The TPM does not open the key, because the machine did not start as it did when the key was sealed (platform registers %v).", t.PCRs).Code("tpm-changed").
				Cure("If firmware, boot settings or kernel were changed on purpose, open it in another way, and seal it again: chatets key add tpm, then remove the old slot").Because(err)
		}
		if err != nil {
			return t.failed(err)
		}
		seed = out.OutData.Buffer
		return nil
	})
	if err == nil && len(seed) != Size {
		err = damagedDocument(fmt.Errorf("the TPM gave %d bytes", len(seed)))
	}
	return seed, err
}

func (t TPM) selection() tpm2.TPMLPCRSelection {
	return tpm2.TPMLPCRSelection{PCRSelections: []tpm2.TPMSPCRSelection{{Hash: tpm2.TPMAlgSHA256, PCRSelect: tpm2.PCClientCompatible.PCRs(t.PCRs...)}}}
}

// policy is the digest that the registers must give again; nil without any.
func (t TPM) policy(tpm transport.TPM) ([]byte, error) {
	if len(t.PCRs) == 0 {
		return nil, nil
	}
	read, err := tpm2.PCRRead{PCRSelectionIn: t.selection()}.Execute(tpm)
	if err != nil {
		return nil, err
	}
	if len(read.PCRValues.Digests) != len(t.PCRs) {
		return nil, fmt.Errorf("%d of %d registers were given", len(read.PCRValues.Digests), len(t.PCRs))
	}
	values := sha256.New()
	for _, d := range read.PCRValues.Digests {
		values.Write(d.Buffer)
	}
	calculator, err := tpm2.NewPolicyCalculator(tpm2.TPMAlgSHA256)
	if err != nil {
		return nil, err
	}
	if err := (tpm2.PolicyPCR{PcrDigest: tpm2.TPM2BDigest{Buffer: values.Sum(nil)}, Pcrs: t.selection()}).Update(calculator); err != nil {
		return nil, err
	}
	return calculator.Hash().Digest, nil
}

// failed classes what the TPM or the way to it says.
func (t TPM) failed(err error) error {
	var known *fault.Error
	var code tpm2.TPMRC
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &code):
		return fault.New(fault.Unavailable, "The TPM refuses to work.").Code("tpm-refused").
			Cure("See that its owner hierarchy has no password (chatets uses its storage root key), and that it is not locked out").Because(err)
	}
	return t.away(err)
}
