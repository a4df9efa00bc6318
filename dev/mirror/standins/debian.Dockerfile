# The base of every stand-in: mmdebstrap's minimal Debian, and the certificate authorities this machine trusts besides.
FROM scratch
ADD rootfs.tar /
COPY certificates/ /usr/local/share/ca-certificates/
RUN update-ca-certificates
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["bash"]
