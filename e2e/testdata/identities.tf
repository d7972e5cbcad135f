# What Terraform makes of users, groups, roles and their policies.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {}
variable "actions" {
  type    = list(string)
  default = ["kms:Encrypt", "kms:Decrypt"]
}

variable "bob" { default = "bob" }

provider "aws" {
  region                  = "us-east-1"
  access_key              = "111122223333"
  secret_key              = "test"
  skip_metadata_api_check = true

  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }
}

data "aws_iam_policy_document" "p" {
  statement {
    actions   = var.actions
    resources = ["*"]
  }
}

resource "aws_iam_policy" "p" {
  name        = "p"
  path        = "/team/"
  description = "a policy"
  policy      = data.aws_iam_policy_document.p.json
  tags        = { team = "red" }
}

resource "aws_iam_policy" "limit" {
  name   = "limit"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }] })
}

resource "aws_iam_user" "ann" {
  name                 = "ann"
  path                 = "/people/"
  permissions_boundary = aws_iam_policy.limit.arn
  tags                 = { team = "red" }
}

resource "aws_iam_user" "bob" { name = var.bob }

resource "aws_iam_user_policy_attachment" "ann" {
  user       = aws_iam_user.ann.name
  policy_arn = aws_iam_policy.p.arn
}

resource "aws_iam_user_policy_attachment" "ro" {
  user       = aws_iam_user.ann.name
  policy_arn = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
}

resource "aws_iam_group" "red" {
  name = "red"
  path = "/teams/"
}

resource "aws_iam_group_membership" "red" {
  name  = "red"
  group = aws_iam_group.red.name
  users = [aws_iam_user.ann.name, aws_iam_user.bob.name]
}

resource "aws_iam_group" "blue" { name = "blue" }

resource "aws_iam_user_group_membership" "bob" {
  user   = aws_iam_user.bob.name
  groups = [aws_iam_group.blue.name]
}

resource "aws_iam_group_policy_attachment" "red" {
  group      = aws_iam_group.red.name
  policy_arn = aws_iam_policy.p.arn
}

resource "aws_iam_group_policy" "red" {
  name   = "inline"
  group  = aws_iam_group.red.name
  policy = data.aws_iam_policy_document.p.json
}

resource "aws_iam_role" "r" {
  name                 = "r"
  permissions_boundary = aws_iam_policy.limit.arn
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}

resource "aws_iam_role_policy_attachment" "r" {
  role       = aws_iam_role.r.name
  policy_arn = aws_iam_policy.p.arn
}

data "aws_iam_policy" "admin" { arn = "arn:aws:iam::aws:policy/AdministratorAccess" }

data "aws_iam_policy" "byname" { name = "SecurityAudit" }

data "aws_iam_group" "red" {
  group_name = aws_iam_group.red.name
  depends_on = [aws_iam_group_membership.red]
}
