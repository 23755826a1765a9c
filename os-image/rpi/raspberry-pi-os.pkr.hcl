# Raspberry Pi OS Lite (64 bit) with Mooring's first boot, by the Arm builder plugin (packer-builder-arm by
# mkaczanowski). `mooring image build --target rpi` makes the payload, and gives the variables:
#
#   packer build -var payload=DIR -var units="a.service b.service" -var image=OUT.img raspberry-pi-os.pkr.hcl

variable "payload" {
  type        = string
  description = "Folder that is copied over the root file system."
}

variable "units" {
  type        = string
  description = "systemd units to enable, separated by spaces."
}

variable "image" {
  type        = string
  description = "Where the image comes."
}

variable "packages" {
  type        = string
  description = "Debian packages beside those of Raspberry Pi OS Lite."
  default     = "docker.io openjdk-21-jre-headless unattended-upgrades"
}

variable "source_url" {
  type        = string
  description = "Raspberry Pi OS Lite arm64; the checksum is beside it."
  default     = "https://downloads.raspberrypi.com/raspios_lite_arm64_latest"
}

variable "checksum_url" {
  type    = string
  default = "https://downloads.raspberrypi.com/raspios_lite_arm64_latest.sha256"
}

source "arm" "raspberry_pi_os" {
  file_urls             = [var.source_url]
  file_checksum_url     = var.checksum_url
  file_checksum_type    = "sha256"
  file_target_extension = "xz"
  file_unarchive_cmd    = ["xz", "--decompress", "$ARCHIVE_PATH"]

  image_build_method = "resize"
  image_path         = var.image
  image_size         = "5G"
  image_type         = "dos"

  image_partitions {
    name         = "boot"
    type         = "c"
    start_sector = "16384"
    filesystem   = "fat"
    size         = "512M"
    mountpoint   = "/boot/firmware"
  }

  image_partitions {
    name         = "root"
    type         = "83"
    start_sector = "1064960"
    filesystem   = "ext4"
    size         = "0"
    mountpoint   = "/"
  }

  image_chroot_env             = ["PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin", "DEBIAN_FRONTEND=noninteractive"]
  qemu_binary_source_path      = "/usr/bin/qemu-aarch64-static"
  qemu_binary_destination_path = "/usr/bin/qemu-aarch64-static"
}

build {
  sources = ["source.arm.raspberry_pi_os"]

  provisioner "shell" {
    inline = [
      "apt-get update",
      "apt-get install -y --no-install-recommends ${var.packages}",
      "apt-get clean",
      "getent passwd ggc_user || useradd --system --no-create-home --shell /usr/sbin/nologin ggc_user",
      "getent group ggc_group || groupadd --system ggc_group",
    ]
  }

  provisioner "file" {
    source      = "${var.payload}/"
    destination = "/"
  }

  provisioner "shell" {
    inline = [
      "chown -R root:root /greengrass /etc/mooring /usr/lib/mooring",
      "chmod -R go-rwx /greengrass/v2/claim-certs",
      "chmod -R a+x /usr/lib/mooring/first-boot /usr/lib/mooring/serial-number /usr/lib/mooring/run-greengrass /usr/lib/mooring/run-virtual-device",
      "systemctl enable ${var.units}",
      # Raspberry Pi OS grows its root at the first boot by itself. It has no user until one is made: none is here.
      "systemctl disable ssh.service userconfig.service || true",
      "systemctl mask ssh.service userconfig.service getty@tty1.service",
      "passwd --lock root",
      "rm -f /etc/ssh/ssh_host_*",
      "truncate --size=0 /etc/machine-id",
    ]
  }
}
