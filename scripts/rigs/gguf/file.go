package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
)

// A file is a GGUF file of version 3, little endian: magic, version, counts,
// metadata, descriptions of the tensors, then their data, each at a multiple of
// 32 bytes.
type file struct {
	metadata bytes.Buffer
	keys     uint64
	tensors  []tensor
}

type tensor struct {
	name   string
	shape  []uint64 // the fastest running dimension first
	values []float32
	half   bool // stored as float16
}

const alignment = 32

// Numbers of the types of metadata.
const (
	typeUint32  = 4
	typeInt32   = 5
	typeFloat32 = 6
	typeBool    = 7
	typeString  = 8
	typeArray   = 9
)

var little = binary.LittleEndian

func put(b *bytes.Buffer, v any) {
	if err := binary.Write(b, little, v); err != nil {
		panic(err) // a value without a fixed size: a mistake in this program
	}
}

func putText(b *bytes.Buffer, text string) {
	put(b, uint64(len(text)))
	b.WriteString(text)
}

// set adds a value of metadata.
func (f *file) set(key string, value any) {
	b := &f.metadata
	putText(b, key)
	f.keys++
	switch v := value.(type) {
	case int:
		put(b, uint32(typeUint32))
		put(b, uint32(v))
	case float32:
		put(b, uint32(typeFloat32))
		put(b, v)
	case bool:
		put(b, uint32(typeBool))
		put(b, v)
	case string:
		put(b, uint32(typeString))
		putText(b, v)
	case []string:
		putArray(b, typeString, len(v))
		for _, text := range v {
			putText(b, text)
		}
	case []float32:
		putArray(b, typeFloat32, len(v))
		put(b, v)
	case []int32:
		putArray(b, typeInt32, len(v))
		put(b, v)
	default:
		panic(fmt.Sprintf("metadata of type %T", value))
	}
}

func putArray(b *bytes.Buffer, kind, length int) {
	put(b, uint32(typeArray))
	put(b, uint32(kind))
	put(b, uint64(length))
}

// add adds a tensor.
func (f *file) add(name string, half bool, values []float32, shape ...int) {
	t := tensor{name: name, values: values, half: half}
	size := 1
	for _, n := range shape {
		size *= n
		t.shape = append(t.shape, uint64(n))
	}
	if size != len(values) {
		panic(fmt.Sprintf("tensor %s has %d values, its shape %d", name, len(values), size))
	}
	f.tensors = append(f.tensors, t)
}

func (t tensor) data() []byte {
	data := make([]byte, 0, 4*len(t.values)+alignment)
	for _, v := range t.values {
		if t.half {
			data = little.AppendUint16(data, float16(v))
		} else {
			data = little.AppendUint32(data, math.Float32bits(v))
		}
	}
	for len(data)%alignment != 0 {
		data = append(data, 0)
	}
	return data
}

func (f *file) write(path string) (err error) {
	var head bytes.Buffer
	head.WriteString("GGUF")
	put(&head, uint32(3))
	put(&head, uint64(len(f.tensors)))
	put(&head, f.keys)
	head.Write(f.metadata.Bytes())
	offset := uint64(0)
	for _, t := range f.tensors {
		putText(&head, t.name)
		put(&head, uint32(len(t.shape)))
		put(&head, t.shape)
		kind := uint32(0)
		if t.half {
			kind = 1
		}
		put(&head, kind)
		put(&head, offset)
		offset += uint64(len(t.data()))
	}
	for head.Len()%alignment != 0 {
		head.WriteByte(0)
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := out.Write(head.Bytes()); err != nil {
		return err
	}
	for _, t := range f.tensors {
		if _, err := out.Write(t.data()); err != nil {
			return err
		}
	}
	return nil
}

// float16 rounds to the nearest; the values here are far from its limits.
func float16(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits>>16) & 0x8000
	exponent := int32(bits>>23&0xff) - 127 + 15
	switch {
	case exponent >= 31:
		return sign | 0x7c00
	case exponent <= 0:
		return sign // smaller than what matters here
	}
	return sign | uint16((uint32(exponent)<<10|bits>>13&0x3ff)+bits>>12&1)
}

func zeros(n int) []float32 { return make([]float32, n) }

func ones(n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = 1
	}
	return values
}
