package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"chatets/appliance/fault"
)

// piece is the size of one request of a large upload; it lies in memory.
const piece = 16 << 20

// bucket is a target on an S3 server.
type bucket struct {
	client minio.Core
	name   string
	prefix string
	shown  string
}

// openS3 takes everything from the address and the secret: the library would
// else look for keys, regions and certificates in the environment.
func openS3(a Address, c Config) (Target, error) {
	access, key, found := strings.Cut(strings.TrimSpace(c.Secret), ":")
	if lines := strings.Fields(c.Secret); len(lines) == 2 {
		access, key, found = lines[0], lines[1], true
	}
	if !found || access == "" || key == "" {
		return nil, fault.New(fault.Invalid, "An S3 target needs its access key and its secret key.").Code("target-secret").
			Cure("Give both as ACCESS:SECRET, or on two lines.")
	}
	if err := c.Gate.Trust(c.Purpose, c.CAs); err != nil {
		return nil, err
	}
	host := a.Host
	if a.Port != 443 || a.Plain {
		host = net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
	}
	client, err := minio.New(host, &minio.Options{
		Creds: credentials.NewStaticV4(access, key, ""), Secure: !a.Plain, Region: a.Region, BucketLookup: minio.BucketLookupPath,
		Transport: c.Gate.Client(c.Purpose).Transport, MaxRetries: 1,
	})
	if err != nil {
		return nil, fault.New(fault.Invalid, "The S3 endpoint %s cannot be used.", host).Because(err)
	}
	return &bucket{client: minio.Core{Client: client}, name: a.Bucket, prefix: a.Prefix, shown: "s3://" + a.Bucket + "/" + a.Prefix + " on " + host}, nil
}

// String is the bucket, the folder and the server.
func (b *bucket) String() string { return b.shown }

// Close lets the pooled connections go.
func (b *bucket) Close() error { return nil }

// Put uploads with an MD5 of every request, which the server holds against what
// came and which buckets with Object Lock demand.
func (b *bucket) Put(ctx context.Context, name string, r io.Reader, size int64) error {
	return b.put(ctx, name, r, size, minio.PutObjectOptions{SendContentMd5: true, PartSize: piece, NumThreads: 1, ContentType: "application/octet-stream"})
}

func (b *bucket) put(ctx context.Context, name string, r io.Reader, size int64, o minio.PutObjectOptions) error {
	if !validName(name) {
		return badName(name)
	}
	counted := &count{r: &live{ctx: ctx, r: io.LimitReader(r, size)}}
	info, err := b.client.Client.PutObject(ctx, b.name, b.prefix+name, counted, size, o)
	if err == nil && (info.Size != size || counted.n != size) {
		err = fmt.Errorf("%d bytes of %d were kept: %w", info.Size, size, io.ErrUnexpectedEOF)
	}
	return b.classify(err)
}

type count struct {
	r io.Reader
	n int64
}

func (c *count) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// PutIfAbsent is a conditional put. A server that does not know the condition
// overwrites, so what is there afterwards is read and compared.
func (b *bucket) PutIfAbsent(ctx context.Context, name string, data []byte) error {
	o := minio.PutObjectOptions{SendContentMd5: true, DisableMultipart: true, ContentType: "application/octet-stream"}
	o.SetMatchETagExcept("*")
	err := b.put(ctx, name, bytes.NewReader(data), int64(len(data)), o)
	if err != nil {
		return err
	}
	there, err := b.Get(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	defer there.Close()
	got, err := io.ReadAll(io.LimitReader(there, int64(len(data))+1))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, data) {
		return ErrExists
	}
	return nil
}

// Get requests a range.
func (b *bucket) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if !validName(name) {
		return nil, ErrNotFound
	}
	if length == 0 {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	var o minio.GetObjectOptions
	var err error
	switch {
	case length > 0:
		err = o.SetRange(offset, offset+length-1)
	case offset > 0:
		err = o.SetRange(offset, 0)
	}
	if err != nil {
		return nil, err
	}
	r, info, _, err := b.client.GetObject(ctx, b.name, b.prefix+name, o)
	if err != nil {
		if r := minio.ToErrorResponse(err); r.Code == "InvalidRange" || r.StatusCode == http.StatusRequestedRangeNotSatisfiable {
			return io.NopCloser(bytes.NewReader(nil)), nil
		}
		return nil, b.classify(err)
	}
	return &body{r: r, left: info.Size, ctx: ctx, where: b.shown}, nil
}

// List pages through the bucket.
func (b *bucket) List(ctx context.Context, prefix, after string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		o := minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}
		if after != "" {
			o.StartAfter = b.prefix + after
		}
		for found := range b.client.Client.ListObjectsIter(ctx, b.name, o) {
			if found.Err != nil {
				yield(Object{}, b.classify(found.Err))
				return
			}
			name := strings.TrimPrefix(found.Key, b.prefix)
			if !validName(name) || name <= after {
				continue
			}
			if !yield(Object{Name: name, Size: found.Size}, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Object{}, err)
		}
	}
}

// Delete removes an object; with versions the older ones stay.
func (b *bucket) Delete(ctx context.Context, name string) error {
	if !validName(name) {
		return badName(name)
	}
	err := b.client.Client.RemoveObject(ctx, b.name, b.prefix+name, minio.RemoveObjectOptions{})
	if err == nil {
		return nil
	}
	r := minio.ToErrorResponse(err)
	switch {
	case r.Code == "NoSuchKey":
		return nil
	case r.StatusCode == http.StatusForbidden && r.Code != "InvalidAccessKeyId" && r.Code != "SignatureDoesNotMatch", r.StatusCode == http.StatusMethodNotAllowed, r.Code == "AccessDenied", r.Code == "ObjectLocked", r.Code == "InvalidRequest":
		return errors.Join(ErrNoDelete, err)
	}
	return b.classify(err)
}

func (b *bucket) classify(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var own *fault.Error
	var answer minio.ErrorResponse
	var sent *url.Error
	switch {
	case errors.As(err, &own):
		return err
	case errors.As(err, &answer):
		return b.answered(answer)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return cut(b.shown, err)
	case errors.As(err, &sent):
		return away(b.shown, err)
	}
	return away(b.shown, err)
}

// answered makes a sentence of what the server said.
func (b *bucket) answered(r minio.ErrorResponse) error {
	switch {
	case r.Code == "NoSuchKey":
		return ErrNotFound
	case r.Code == "PreconditionFailed", r.StatusCode == http.StatusPreconditionFailed:
		return ErrExists
	case r.Code == "NoSuchBucket":
		return fault.New(fault.NotFound, "There is no bucket %s on the server.", b.name).Code("target-bucket").
			Cure("Make the bucket first, or mend its name in the target's address.").Because(r)
	case r.StatusCode == http.StatusInsufficientStorage, strings.Contains(r.Code, "QuotaExceeded"), strings.Contains(r.Code, "StorageFull"):
		return full(b.shown, r)
	case r.StatusCode == http.StatusUnauthorized, r.StatusCode == http.StatusForbidden:
		return refused(b.shown, r)
	case r.Code == "BadDigest", r.Code == "IncompleteBody", r.Code == "InvalidDigest", r.Code == "XAmzContentSHA256Mismatch":
		return cut(b.shown, r)
	}
	return away(b.shown, r)
}
